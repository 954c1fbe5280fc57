/** Labels by any program: its input from templates, its answer by regular expressions, one run a label in a folder of its own. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MltsError } from '../../../errors.ts';
import { type Structure, volumeOf } from '../../../io/structure.ts';
import { type Label, type LabelEngine, LabelFailure, type LabelOptions } from '../../label.ts';
import { ONE_CORE, runProgram } from '../../program.ts';
import { readAnswer } from './output.ts';
import type { ProgramSettings } from './settings.ts';
import { fill, placesIn } from './template.ts';

/** Of each file, characters kept. */
const RAW = 100_000;

export class ProgramEngine implements LabelEngine {
  readonly level: string;
  readonly program: string;
  readonly #settings: ProgramSettings;
  readonly #takesCell: boolean;

  constructor(settings: ProgramSettings) {
    this.level = settings.level;
    this.program = settings.program;
    this.#settings = settings;
    this.#takesCell = Object.values(settings.input).some((text) =>
      placesIn(text).some((one) => one.startsWith('cell')),
    );
  }

  async label(structure: Structure, { scratch, seconds, signal }: LabelOptions): Promise<Label> {
    this.#accept(structure);
    const { command, input, not_converged } = this.#settings;
    const raw: Record<string, string> = {};
    for (const [name, template] of Object.entries(input)) {
      raw[basename(name)] = fill(template, structure);
      mkdirSync(dirname(join(scratch, name)), { recursive: true });
      writeFileSync(join(scratch, name), raw[basename(name)]);
    }
    const remedy = 'Install it, or correct `command`.';
    const begin = performance.now();
    const run = { folder: scratch, environment: ONE_CORE, seconds, signal, remedy };
    const { code, timedOut, said } = await runProgram(command, run);
    const spent = (performance.now() - begin) / 1000;
    raw['output.txt'] = said.slice(-RAW);
    if (timedOut) throw new LabelFailure('time-out', `${this.program} did not end after ${seconds} s`, raw);
    if (not_converged !== undefined && new RegExp(not_converged, 'm').test(said)) {
      throw new LabelFailure('not-converged', `its output has '${not_converged}' (not_converged)`, raw);
    }
    if (code === undefined) throw new LabelFailure('crashed', `${this.program} was killed`, raw);
    if (code !== 0) {
      throw new LabelFailure('crashed', `${this.program} ended with ${code}: ${complaintIn(said)}`, raw);
    }
    const answer = readAnswer(this.#settings, structure.numbers.length, (file) => {
      if (file === undefined) return said;
      const path = join(scratch, file);
      if (!existsSync(path)) return undefined;
      const text = readFileSync(path, 'utf8');
      raw[basename(file)] = text.slice(-RAW);
      return text;
    });
    if ('missing' in answer) throw new LabelFailure('crashed', `${this.program}: ${answer.missing}`, raw);
    const { energy, forces, stress } = answer;
    const { cell } = structure;
    const virial = stress === undefined || cell === undefined ? undefined : virialOf(stress, cell);
    return { energy, forces, virial, seconds: spent, raw };
  }

  close(): void {
    // A run ends with its label.
  }

  /** @throws LabelFailure where the template would make another structure of it */
  #accept({ pbc }: Structure): void {
    const isPeriodic = pbc.every(Boolean);
    if (isPeriodic === this.#takesCell && isPeriodic === pbc.some(Boolean)) return;
    const what = this.#takesCell
      ? 'the input has {{cell}}: it takes structures that are periodic in all three directions'
      : 'the input has no {{cell}}: it takes structures without periods';
    throw new LabelFailure('refused', what);
  }
}

/** The last line that names an error, else the last one. */
function complaintIn(said: string): string {
  const lines = said.trim().split('\n');
  const line = lines.findLast((one) => /error|exception/i.test(one)) ?? lines.at(-1);
  return line?.trim().slice(0, 200) || 'it said nothing';
}

/** W = −V σ */
const virialOf = (stress: Float64Array, cell: Float64Array): Float64Array =>
  stress.map((s) => -s * Math.abs(volumeOf(cell)));

/** Raw files lie side by side. */
const basename = (name: string): string => name.replaceAll('/', '-');

/** @throws MltsError E_UNAVAILABLE where the program is not there */
export async function openProgram(settings: ProgramSettings): Promise<ProgramEngine> {
  const [program] = settings.command;
  const found = program.includes('/')
    ? existsSync(program)
    : (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, program)));
  if (found) return new ProgramEngine(settings);
  const where = program.includes('/') ? '' : ' in PATH';
  throw new MltsError('E_UNAVAILABLE', `there is no ${program}${where}`, 'Install it, or correct `command`.');
}
