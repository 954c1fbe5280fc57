/**
 * Labels by pw.x of Quantum ESPRESSO: one run a label, in a folder of its own. A run that comes to no answer is repeated with
 * other settings of its iteration; what it converges to stays the same.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closestPair } from '../../../dynamics/run/closest-pair.ts';
import { symbolOf } from '../../../elements.ts';
import { MltsError } from '../../../errors.ts';
import { type Structure, volumeOf } from '../../../io/structure.ts';
import { type Label, type LabelEngine, LabelFailure, type LabelOptions } from '../../label.ts';
import { type Ended, ONE_CORE, runProgram } from '../../program.ts';
import { type Crystal, formatPwInput } from './input.ts';
import { type PwAnswer, type PwFailure, pwVersion, readPwOutput } from './output.ts';
import type { EspressoSettings, Namelist } from './settings.ts';

const INSTALL = 'Install Quantum ESPRESSO (apt-get install quantum-espresso), or name its pw.x in `command`.';
/** Of each output, characters kept. */
const RAW = 100_000;
const CONVERGENCE = 1e-8;
/** Seconds that pw.x has to end by itself before it is killed. */
const GRACE = 10;

export class EspressoEngine implements LabelEngine {
  readonly level: string;
  readonly program: string;
  readonly #settings: EspressoSettings;

  private constructor(settings: EspressoSettings, version: string) {
    this.level = settings.level;
    this.program = `pw.x ${version}`;
    this.#settings = settings;
  }

  /** @throws MltsError E_UNAVAILABLE without pw.x or a pseudopotential */
  static async open(settings: EspressoSettings): Promise<EspressoEngine> {
    const { pseudopotentials, pseudo_folder, command } = settings;
    for (const [symbol, file] of Object.entries(pseudopotentials))
      if (!existsSync(join(pseudo_folder, file)))
        throw new MltsError(
          'E_UNAVAILABLE',
          `${join(pseudo_folder, file)}, the pseudopotential of ${symbol}, is not there`,
          'Download it (www.quantum-espresso.org/pseudopotentials), or correct pseudo_folder or pseudopotentials.',
        );
    // Without an input it says who it is, and ends.
    const signal = new AbortController().signal;
    const run = { folder: tmpdir(), environment: ONE_CORE, seconds: 30, signal, remedy: INSTALL };
    const { said } = await runProgram([...command, '-in', '/dev/null'], run);
    const version = pwVersion(said);
    if (version === undefined) {
      const last = said.trim().split('\n').at(-1) || 'nothing';
      throw new MltsError('E_UNAVAILABLE', `${command.join(' ')} is no pw.x: it said ${last}`, INSTALL);
    }
    return new EspressoEngine(settings, version);
  }

  async label(structure: Structure, options: LabelOptions): Promise<Label> {
    const crystal = this.#accept(structure);
    const { electrons, retries } = this.#settings;
    const begin = performance.now();
    const passed = () => (performance.now() - begin) / 1000;
    const raw: Record<string, string> = {};
    const said: string[] = [];
    let convergence = CONVERGENCE;
    let failed: PwFailure | undefined;
    for (const [attempt, more] of [{}, ...retries].entries()) {
      const left = options.seconds - passed();
      if (left < 1) break;
      const folder = join(options.scratch, String(attempt + 1));
      const keys = { conv_thr: convergence, ...electrons, ...more };
      const found = await this.#attempt(
        crystal,
        keys,
        { ...options, scratch: folder, seconds: left },
        raw,
        attempt + 1,
      );
      if (!('kind' in found)) return { ...labelOf(found, crystal.cell), seconds: passed(), raw };
      failed = found;
      said.push(found.what);
      if (found.remedy === undefined) break;
      if (found.remedy === 'tighter') convergence /= 100;
    }
    const { kind, what } = failed ?? { kind: 'time-out' as const, what: `no answer after ${options.seconds} s` };
    const attempts = said.length > 1 ? `, in the last of ${said.length} attempts` : '';
    throw new LabelFailure(kind, `${what}${attempts}`, raw);
  }

  close(): void {
    // A run ends with its label.
  }

  /** @throws LabelFailure of what pw.x cannot compute, or computes to nonsense */
  #accept({ numbers, positions, cell, pbc }: Structure): Crystal {
    const { pseudopotentials, min_distance } = this.#settings;
    if (cell === undefined || !pbc.every(Boolean))
      throw new LabelFailure('refused', 'pw.x computes structures that are periodic in all three directions');
    const unknown = [...numbers].find((z) => pseudopotentials[symbolOf(z)] === undefined);
    if (unknown !== undefined) throw new LabelFailure('refused', `there is no pseudopotential of ${symbolOf(unknown)}`);
    const pair = closestPair(positions, cell, pbc, min_distance);
    if (pair !== undefined) {
      const distance = `${pair.distance.toFixed(2)} Å apart, closer than ${min_distance} (min_distance)`;
      throw new LabelFailure('refused', `atoms ${pair.first} and ${pair.second} are ${distance}`);
    }
    return { numbers, positions, cell };
  }

  async #attempt(
    crystal: Crystal,
    keys: Namelist,
    { scratch, seconds, signal }: LabelOptions,
    raw: Record<string, string>,
    attempt: number,
  ): Promise<PwAnswer | PwFailure> {
    const input = formatPwInput(crystal, this.#settings, keys, Math.max(1, Math.floor(seconds)));
    mkdirSync(scratch, { recursive: true });
    writeFileSync(join(scratch, 'pw.in'), input);
    const run = { folder: scratch, environment: ONE_CORE, seconds: seconds + GRACE, signal, remedy: INSTALL };
    const { code, timedOut, said }: Ended = await runProgram([...this.#settings.command, '-in', 'pw.in'], run);
    raw[`pw-${attempt}.in`] = input;
    raw[`pw-${attempt}.out`] = said.slice(-RAW);
    if (timedOut) return { kind: 'time-out', what: `pw.x did not end after ${seconds.toFixed(0)} s` };
    return readPwOutput(said, code, crystal.numbers.length, this.#settings.max_pressure);
  }
}

/** W = −∂E/∂ε = V·(−σ). */
const labelOf = ({ energy, forces, pressure }: PwAnswer, cell: Float64Array) => ({
  energy,
  forces,
  virial: pressure?.map((p) => p * Math.abs(volumeOf(cell))),
});
