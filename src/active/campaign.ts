/** A campaign: rounds of stages, a journal line after each, going on where the last line ends. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Potential } from '../engine/potential.ts';
import { MltsError, systemReason } from '../errors.ts';
import type { Config } from './config.ts';
import { dismiss } from './executors/create.ts';
import { Folder, JOURNAL } from './folder.ts';
import { type Entry, Journal } from './journal.ts';
import { type Context, type Host, STAGE_NAMES, type Stage, type StageName } from './stage.ts';
import { STAGES, stageOf } from './stages/stages.ts';

export interface CampaignOptions {
  readonly host: Host;
  readonly signal: AbortSignal;
  /** A model file, ready to compute. */
  readonly open: (file: string) => Promise<Potential>;
  /** Told after each stage. */
  readonly ended: (entry: Entry) => void;
}

/** Why a campaign is over. */
export interface End {
  readonly rounds: number;
  readonly why: 'certain' | 'rounds';
  /** The campaign's model; undefined where none was promoted. */
  readonly model: string | undefined;
}

/** The process that works on a campaign; one at a time. */
export class Campaign {
  readonly #config: Config;
  readonly #options: CampaignOptions;
  readonly #folder: Folder;
  readonly #journal: Journal;
  readonly #lock: string;

  /**
   * @param resume whether there must be a campaign, or must be none
   * @throws MltsError E_FILE where that is not so; E_BUSY where another process works on it; E_DISK
   */
  constructor(config: Config, resume: boolean, options: CampaignOptions) {
    this.#config = config;
    this.#options = options;
    this.#folder = new Folder(config.folder);
    const journal = this.#folder.at(JOURNAL);
    if (Campaign.isBegun(config) !== resume) {
      throw resume
        ? new MltsError('E_FILE', `${journal} does not exist: no campaign was begun there`, 'Begin without --resume.')
        : new MltsError(
            'E_FILE',
            `${config.folder} holds a campaign already`,
            'Go on with --resume, or name another folder.',
          );
    }
    try {
      mkdirSync(config.folder, { recursive: true });
    } catch (cause) {
      const what = `${config.folder} cannot be made (${systemReason(cause)})`;
      throw new MltsError('E_DISK', what, 'Check that you may write there.', { cause });
    }
    this.#lock = this.#folder.at('lock');
    lock(this.#lock);
    try {
      this.#journal = new Journal(journal);
    } catch (error) {
      rmSync(this.#lock, { force: true });
      throw error;
    }
  }

  static isBegun({ folder }: Config): boolean {
    return existsSync(new Folder(folder).at(JOURNAL));
  }

  close(): void {
    this.#journal.close();
    rmSync(this.#lock, { force: true });
  }

  /** To its end. @throws MltsError E_CANCELLED when interrupted; what a stage throws */
  async run(): Promise<End> {
    this.#verify();
    for (;;) {
      const { round, stage } = this.#next();
      const why = this.#isCertain(round) ? 'certain' : round >= this.#config.rounds ? 'rounds' : undefined;
      const current = this.#current(round);
      if (why !== undefined) {
        await dismiss(this.#config.executor);
        const model = current === undefined ? undefined : this.#folder.at(this.#folder.of(current, 'model.mlts'));
        return { rounds: round, why, model };
      }
      await this.#run(stage, round);
    }
  }

  /** One stage, in the round at work; again, where it has ended there already. */
  async runStage(name: StageName): Promise<Entry> {
    const next = this.#next();
    const isBehind = STAGE_NAMES.indexOf(name) < STAGE_NAMES.indexOf(next.stage.name);
    // Between two rounds the last stages of the old one can be repeated; `propose` begins the new one.
    const isBetween = next.stage.name === 'propose' && name !== 'propose' && next.round > 0;
    if (!isBehind && !isBetween && name !== next.stage.name) {
      throw new MltsError(
        'E_USAGE',
        `stage ${name} of round ${next.round} needs ${next.stage.name} before it`,
        `Run mlts learn stage ${next.stage.name}.`,
      );
    }
    return this.#run(stageOf(name), isBetween ? next.round - 1 : next.round);
  }

  async #run(stage: Stage, round: number): Promise<Entry> {
    const { host, signal, open, ended } = this.#options;
    const [config, folder] = [this.#config, this.#folder];
    folder.prepare(round);
    const current = this.#current(round);
    const context: Context = { config, folder, round, current, host, signal, open: (file) => open(folder.at(file)) };
    const inputs = Object.fromEntries(stage.inputs(context).map((file) => [file, folder.sha256(file)]));
    const start = performance.now();
    const { outputs, counts } = await stage.run(context);
    if (signal.aborted) throw new MltsError('E_CANCELLED', 'the campaign was interrupted', 'Go on with --resume.');
    const entry: Entry = {
      ...{ round, stage: stage.name },
      inputs: { config: config.hash, ...inputs },
      outputs: Object.fromEntries(outputs.map((file) => [file, folder.sha256(file)])),
      counts,
      seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
      at: new Date().toISOString(),
    };
    this.#journal.append(entry);
    ended(entry);
    return entry;
  }

  /** What comes behind the last line; a round in which nothing was selected ends there. */
  #next(): { round: number; stage: Stage } {
    const last = this.#journal.entries.at(-1);
    if (last === undefined) return { round: 0, stage: STAGES[0] };
    const at = STAGE_NAMES.indexOf(last.stage as StageName);
    const isOver = at === STAGES.length - 1 || (last.stage === 'select' && last.counts.frames === 0);
    return isOver ? { round: last.round + 1, stage: STAGES[0] } : { round: last.round, stage: STAGES[at + 1] };
  }

  /** The round before this one whose model was promoted last. */
  #current(round: number): number | undefined {
    for (let r = round - 1; r >= 0; r--) if (this.#journal.find(r, 'promote')?.counts.promoted === 1) return r;
    return undefined;
  }

  /** Whether the last rounds before this one found too few uncertain frames. */
  #isCertain(round: number): boolean {
    const { fewer, rounds } = this.#config.stop;
    if (round < rounds + 1 || this.#next().stage.name !== 'propose') return false;
    return Array.from({ length: rounds }, (_, k) => this.#journal.find(round - 1 - k, 'select')?.counts).every(
      (counts) => counts?.uncertain !== undefined && counts.uncertain < fewer,
    );
  }

  /** @throws MltsError E_CHECKSUM where a file is not as its stage left it */
  #verify(): void {
    for (const { round, stage } of this.#journal.entries) {
      for (const [file, sha256] of Object.entries(this.#journal.find(round, stage)!.outputs)) {
        if (existsSync(this.#folder.at(file)) && this.#folder.sha256(file) === sha256) continue;
        throw new MltsError(
          'E_CHECKSUM',
          `${this.#folder.at(file)} is gone, or is not as stage ${stage} of round ${round} left it`,
          'Put it back: all later files were made of it.',
        );
      }
    }
  }
}

/** @throws MltsError E_BUSY where a process that lives holds it; E_DISK */
function lock(file: string): void {
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        const what = `${file} cannot be written (${systemReason(cause)})`;
        throw new MltsError('E_DISK', what, 'Check that you may write there.', { cause });
      }
    }
    const holder = Number(readFileSync(file, 'utf8'));
    if (holder > 0 && isAlive(holder)) {
      throw new MltsError('E_BUSY', `process ${holder} works on this campaign (${file})`, 'Wait for it, or stop it.');
    }
    rmSync(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
