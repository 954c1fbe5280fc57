/** A folder of structures, a file each, named by what would be computed: so none is there twice, and each is whole or not at all. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { structureHash } from '../../dataset/dataset.ts';
import { MltsError, systemReason } from '../../errors.ts';
import { formatExtxyz } from '../../io/extxyz.ts';
import { OutputFile } from '../../io/write.ts';
import type { Answer, Harvested, HarvestSettings } from '../../server/harvest.ts';

export const SUFFIX = '.extxyz';

/** A file that is being written is there for milliseconds: one as old as this was left by a process that died, ms. */
const STALE = 60_000;

export class HarvestFolder {
  readonly #settings: Omit<HarvestSettings, 'threshold' | 'interval' | 'maxAtoms'>;
  #structures = 0;
  #bytes = 0;

  /** @throws MltsError E_DISK where the folder cannot be made or read */
  constructor(settings: Omit<HarvestSettings, 'threshold' | 'interval' | 'maxAtoms'>) {
    this.#settings = settings;
    const { folder } = settings;
    try {
      mkdirSync(folder, { recursive: true });
      this.#look();
    } catch (cause) {
      const what = `${folder} cannot be used (${systemReason(cause)})`;
      throw new MltsError('E_DISK', what, 'Check that you may write there.', { cause });
    }
  }

  /** Writes a structure, unless it is there or there is no room. */
  keep({ numbers, positions, cell, pbc, sigma, model, sha256 }: Harvested): Answer {
    const { folder, maxStructures, maxBytes } = this.#settings;
    const hash = structureHash({ numbers, positions, cell, pbc }).toString('hex');
    const file = join(folder, `${hash}${SUFFIX}`);
    try {
      if (existsSync(file)) return 'known';
      const info = { sigma_f_max: sigma, model, model_sha256: sha256, at: new Date().toISOString() };
      const content = Buffer.from(formatExtxyz({ numbers, positions, cell, pbc, info, arrays: {} }));
      // Others may have put something there, or taken it away, since.
      if (!this.#hasRoom(content.length)) this.#look();
      if (!this.#hasRoom(content.length)) {
        return { full: `${folder} is full (limits: ${maxStructures} structures, ${maxBytes} bytes)` };
      }
      const output = new OutputFile(file);
      try {
        output.write(content);
        output.commit();
      } finally {
        output.discard();
      }
      this.#structures++;
      this.#bytes += content.length;
      return 'kept';
    } catch (error) {
      return { failed: error instanceof MltsError ? error.what : `${folder}: ${systemReason(error)}` };
    }
  }

  #hasRoom(bytes: number): boolean {
    const { maxStructures, maxBytes } = this.#settings;
    return this.#structures < maxStructures && this.#bytes + bytes <= maxBytes;
  }

  /** Counts what is there, and clears away what a killed process left half-written. */
  #look(): void {
    [this.#structures, this.#bytes] = [0, 0];
    const { folder } = this.#settings;
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      const found = statSync(file, { throwIfNoEntry: false });
      if (found === undefined) continue;
      if (name.endsWith('.part') && Date.now() - found.mtimeMs > STALE) rmSync(file, { force: true });
      if (!name.endsWith(SUFFIX)) continue;
      this.#structures++;
      this.#bytes += found.size;
    }
  }
}
