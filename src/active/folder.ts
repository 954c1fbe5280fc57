/** Where the files of a campaign lie. Paths in journals are relative to its folder. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MltsError, systemReason } from '../errors.ts';
import { formatExtxyz } from '../io/extxyz.ts';
import { readStructures } from '../io/read.ts';
import { parseFrameIndex } from '../io/slice.ts';
import type { Structure } from '../io/structure.ts';
import { writeWhole } from '../io/write.ts';

/** What each round leaves behind, by the stage that writes it. */
export const FILES = {
  proposed: 'proposed.extxyz',
  scored: 'scored.extxyz',
  selected: 'selected.extxyz',
  labelled: 'labelled.json',
  train: 'train.extxyz',
  validation: 'validation.extxyz',
  test: 'test.extxyz',
  model: 'model.mlts',
  assessment: 'assessment.json',
  promotion: 'promotion.json',
} as const;

export type FileName = (typeof FILES)[keyof typeof FILES];

export const JOURNAL = 'journal.jsonl';
export const LABELS = 'labels';
/** In the folder of a round: what must not outlive the stage that writes it. */
const SCRATCH = 'scratch';

export class Folder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A path in the journal as one of this machine. */
  at(relative: string): string {
    return join(this.path, relative);
  }

  /** `round-0003/selected.extxyz` */
  of(round: number, file: string): string {
    return `round-${String(round).padStart(4, '0')}/${file}`;
  }

  /** A file of the rounds from the first to that one, where they have it. */
  upTo(round: number, file: FileName): string[] {
    return Array.from({ length: round + 1 }, (_, r) => this.of(r, file)).filter((one) => existsSync(this.at(one)));
  }

  /** Makes the folder of a round, without what an interrupted stage left in it. @throws MltsError E_DISK */
  prepare(round: number): void {
    const folder = dirname(this.at(this.of(round, FILES.proposed)));
    this.#attempt(folder, () => {
      mkdirSync(folder, { recursive: true });
      rmSync(join(folder, SCRATCH), { recursive: true, force: true });
      for (const file of readdirSync(folder)) if (file.endsWith('.part')) rmSync(join(folder, file));
    });
  }

  /** An empty folder that `prepare` takes away. @throws MltsError E_DISK */
  scratch(round: number, name: string): string {
    const folder = this.at(this.of(round, join(SCRATCH, encodeURIComponent(name))));
    return this.#attempt(folder, () => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      return folder;
    });
  }

  /** @throws MltsError E_FILE */
  sha256(relative: string): string {
    return createHash('sha256').update(this.bytes(relative)).digest('hex');
  }

  /** @throws MltsError E_FILE */
  bytes(relative: string): Buffer {
    try {
      return readFileSync(this.at(relative));
    } catch (cause) {
      const what = `${this.at(relative)} cannot be read (${systemReason(cause)})`;
      throw new MltsError('E_FILE', what, 'Run the stage that writes it first.', { cause });
    }
  }

  /** @throws MltsError E_FILE */
  json<T>(relative: string): T {
    return JSON.parse(this.bytes(relative).toString()) as T;
  }

  /** @throws MltsError E_FILE */
  structures(relative: string): Structure[] {
    if (this.bytes(relative).length === 0) return [];
    return Array.from(readStructures(this.at(relative), parseFrameIndex(':')), ({ frame }) => frame);
  }

  /** Whole or not at all. @throws MltsError E_DISK */
  write(relative: string, content: string | Buffer): void {
    writeWhole(this.at(relative), content);
  }

  writeJson(relative: string, value: unknown): void {
    this.write(relative, `${JSON.stringify(value, undefined, 1)}\n`);
  }

  writeStructures(relative: string, structures: readonly Structure[]): void {
    this.write(relative, structures.map(formatExtxyz).join(''));
  }

  #attempt<T>(file: string, action: () => T): T {
    try {
      return action();
    } catch (cause) {
      const what = `${file} cannot be made (${systemReason(cause)})`;
      throw new MltsError('E_DISK', what, 'Check that you may write there.', { cause });
    }
  }
}
