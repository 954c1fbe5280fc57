/** Labels by any ASE calculator: a Python process (ase-calculator/mlts_ase/label.py) that lives as long as the engine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { FAILURES, type FailureKind, type Label, type LabelEngine, LabelFailure, type LabelOptions } from '../label.ts';
import { ONE_CORE } from '../program.ts';
import type { AseSettings } from './settings.ts';

const LOCAL_PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url));
/** Of what a calculator printed, characters kept. */
const RAW = 100_000;

export const pythonOf = (given: string | undefined): string =>
  given ?? process.env.MLTS_PYTHON ?? (existsSync(LOCAL_PYTHON) ? LOCAL_PYTHON : 'python3');

type Answer = Readonly<Record<string, unknown>>;

/** A process that answers line by line. */
class Worker {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** Settles when the process has ended, with what it last said on stderr. */
  readonly #ended: Promise<string>;

  constructor(python: string) {
    this.#child = spawn(python, ['-m', 'mlts_ase.label'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...ONE_CORE },
    });
    let said = '';
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2000);
    });
    // A worker that died is told by its missing answer.
    this.#child.stdin!.on('error', () => undefined);
    this.#ended = once(this.#child, 'close').then(
      () => said,
      (error) => String((error as Error).message),
    );
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** The answer, or what the process last said where it died. */
  async ask(question: object): Promise<{ answer: Answer } | { died: string }> {
    this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    return done ? { died: await this.#ended } : { answer: JSON.parse(value) as Answer };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

export class AseEngine implements LabelEngine {
  readonly level: string;
  readonly program: string;
  readonly #settings: AseSettings;
  #worker: Worker | undefined;

  private constructor(settings: AseSettings, worker: Worker, program: string) {
    this.level = settings.level;
    this.program = program;
    this.#settings = settings;
    this.#worker = worker;
  }

  /** @throws MltsError E_UNAVAILABLE without Python, ASE or the calculator */
  static async open(settings: AseSettings): Promise<AseEngine> {
    const { worker, program } = await start(settings);
    return new AseEngine(settings, worker, program);
  }

  async label(structure: Structure, { scratch, seconds, signal }: LabelOptions): Promise<Label> {
    if (signal.aborted) throw cancelled();
    this.#worker ??= (await start(this.#settings)).worker;
    const worker = this.#worker;
    const { numbers, positions, cell, pbc } = structure;
    const output = join(scratch, 'output.txt');
    const lists = { numbers: [...numbers], positions: [...positions], cell: cell === undefined ? null : [...cell] };
    let ended: 'time-out' | 'cancelled' | undefined;
    const end = (why: typeof ended) => () => {
      ended = why;
      worker.kill();
    };
    const timer = setTimeout(end('time-out'), 1000 * seconds);
    const cancel = end('cancelled');
    signal.addEventListener('abort', cancel, { once: true });
    const begin = performance.now();
    const found = await worker.ask({ ...lists, pbc, output });
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    if ('died' in found) this.#worker = undefined;
    if (ended === 'cancelled') throw cancelled();
    const raw = existsSync(output) ? { 'output.txt': readFileSync(output, 'utf8').slice(-RAW) } : {};
    if (ended === 'time-out') throw new LabelFailure('time-out', `no answer after ${seconds} s`, raw);
    if ('died' in found) {
      const last = found.died.trim().split('\n').at(-1) || 'it said nothing';
      throw new LabelFailure('crashed', `${this.program} died: ${last}`, raw);
    }
    const { failure, what, energy, forces, virial } = found.answer;
    if (failure !== undefined) throw new LabelFailure(kindOf(failure), String(what), raw);
    return {
      energy: energy as number,
      forces: Float64Array.from(forces as number[]),
      virial: virial === null ? undefined : Float64Array.from(virial as number[]),
      seconds: (performance.now() - begin) / 1000,
      raw: raw['output.txt'] ? raw : {},
    };
  }

  close(): void {
    this.#worker?.kill();
    this.#worker = undefined;
  }
}

async function start(settings: AseSettings): Promise<{ worker: Worker; program: string }> {
  const python = pythonOf(settings.python);
  const worker = new Worker(python);
  const { calculator } = settings;
  const found = await worker.ask({ calculator, arguments: settings.arguments });
  if ('died' in found) {
    const last = found.died.trim().split('\n').at(-1);
    throw new MltsError(
      'E_UNAVAILABLE',
      `${python} cannot run mlts_ase.label: ${last}`,
      `Install ASE and mlts_ase into it (${python} -m pip install ./ase-calculator), or name another python.`,
    );
  }
  const { error, module, program } = found.answer;
  if (error !== undefined) {
    worker.kill();
    const remedy =
      typeof module === 'string' ? `Install it: ${python} -m pip install ${module}.` : 'Correct its arguments.';
    throw new MltsError('E_UNAVAILABLE', `the label engine cannot be set up: ${String(error)}`, remedy);
  }
  return { worker, program: String(program) };
}

const kindOf = (kind: unknown): FailureKind => (String(kind) in FAILURES ? (kind as FailureKind) : 'crashed');

const cancelled = () => new MltsError('E_CANCELLED', 'the label was interrupted', 'Go on with --resume.');
