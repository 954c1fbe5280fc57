/** What a campaign has done: a line of JSON for each finished stage, on disk before the next stage begins. */
import { existsSync, readFileSync } from 'node:fs';
import { AppendFile } from '../dynamics/output/append-file.ts';
import { MltsError, systemReason } from '../errors.ts';

export interface Entry {
  /** From 0, the round that begins with nothing. */
  readonly round: number;
  readonly stage: string;
  /** SHA-256, hex, of the config and of each file that was read, by path in the campaign's folder. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The same of each file that was written. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What the stage has to tell in numbers: frames proposed, labels that failed … */
  readonly counts: Readonly<Record<string, number>>;
  /** Wall time, of the last attempt where it took several. */
  readonly seconds: number;
  /** When it ended: ISO 8601, UTC. */
  readonly at: string;
}

const keyOf = (round: number, stage: string): string => `${round} ${stage}`;

/** The lines of a journal that are whole. @throws MltsError E_FILE where one before the last is damaged */
export function replay(file: string): { readonly entries: readonly Entry[]; readonly bytes: number } {
  const content = read(file);
  const entries: Entry[] = [];
  let start = 0;
  for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, start)) {
    const entry = parse(content.toString('utf8', start, end));
    if (entry === undefined) {
      // What a torn write left is the end of the file; anything else was changed by somebody.
      if (end === content.length - 1) break;
      throw new MltsError(
        'E_FILE',
        `${file}:${entries.length + 1} is no entry of a journal`,
        'Put the journal back as the campaign left it.',
      );
    }
    entries.push(entry);
    start = end + 1;
  }
  return { entries, bytes: start };
}

/** The journal of the one process that works on a campaign. */
export class Journal {
  readonly #log: AppendFile;
  readonly #entries: Entry[];
  /** The last entry of each stage of each round. */
  readonly #found = new Map<string, Entry>();

  /** Takes up what is there; half a last line is cut off. @throws MltsError E_DISK, E_FILE */
  constructor(file: string) {
    const { entries, bytes } = existsSync(file) ? replay(file) : { entries: [], bytes: undefined };
    this.#log = new AppendFile(file, bytes);
    this.#entries = [...entries];
    for (const entry of entries) this.#found.set(keyOf(entry.round, entry.stage), entry);
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  find(round: number, stage: string): Entry | undefined {
    return this.#found.get(keyOf(round, stage));
  }

  /** Returns once the entry is on the disk. @throws MltsError E_DISK */
  append(entry: Entry): void {
    this.#log.append(`${JSON.stringify(entry)}\n`);
    this.#log.sync();
    this.#entries.push(entry);
    this.#found.set(keyOf(entry.round, entry.stage), entry);
  }

  close(): void {
    this.#log.close();
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new MltsError(
      'E_FILE',
      `${file} cannot be read (${systemReason(cause)})`,
      'Name a campaign that was begun.',
      {
        cause,
      },
    );
  }
}

function parse(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry>;
    const isEntry = Number.isSafeInteger(entry.round) && typeof entry.stage === 'string';
    return isEntry && entry.inputs && entry.outputs && entry.counts ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}
