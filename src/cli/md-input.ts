/** What `mlts md` was asked for: options, or a file and options, as one input for the rules. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { asFlag, type Field, fromFlags, type Input, parseYaml } from '../dynamics/input/input.ts';
import { RUN_SETTINGS } from '../dynamics/input/parse.ts';
import type { BackendChoice } from '../engine/select.ts';
import { MltsError } from '../errors.ts';

/** Options under commander's names; all that is no way of running is a setting of the run or of its one stage. */
export interface MdOptions extends Readonly<Record<string, unknown>> {
  input?: string;
  resume?: boolean;
  force?: boolean;
  json?: boolean;
  backend?: BackendChoice;
}

/** The options, and the file behind --input, as one input for the rules. */
export function fieldsOf(file: string | undefined, options: MdOptions): Input {
  const { input, resume: _resume, force: _force, json: _json, backend: _backend, ensemble, ...flags } = options;
  const named = Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [underscored(name), itemsOf(name, value)]),
  );
  const fields = fromFlags({ ...named, structure: file }).fields ?? [];
  const ofRun = fields.filter(({ name }) => RUN_SETTINGS.includes(name));
  const ofStage = fields.filter(({ name }) => !RUN_SETTINGS.includes(name));
  if (input !== undefined) {
    if (ofStage.length > 0 || ensemble !== undefined) {
      const [extra] = ofStage.map(({ place }) => place).concat('--ensemble');
      throw new MltsError('E_USAGE', `${extra} is given beside --input`, `Write it into ${input}.`);
    }
    const content = readInput(input);
    const there = (content.fields ?? []).filter(({ name }) => !ofRun.some((field) => field.name === name));
    return content.fields === undefined ? content : { ...content, fields: [...there, ...ofRun] };
  }
  if (ensemble === undefined) {
    throw new MltsError('E_USAGE', 'no ensemble is given', 'Add --ensemble nve, nvt or npt, or --input FILE.');
  }
  const place = `--ensemble ${ensemble}`;
  const stage: Field = { name: String(ensemble), place, input: { place, fields: ofStage, spelled: asFlag } };
  const stages = { place, items: [{ place, fields: [stage] }] };
  return { place: 'the command line', fields: [...ofRun, { name: 'stages', place, input: stages }], spelled: asFlag };
}

const underscored = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Lists that the command line holds as text. */
function itemsOf(name: string, value: unknown): unknown {
  if (name === 'bonds' && typeof value === 'string') return value.split(',');
  if (name === 'repeat' && Array.isArray(value)) return value.flatMap((part) => String(part).split(','));
  return value;
}

/** Paths in the file start from its folder. */
function readInput(file: string): Input {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MltsError('E_FILE', `cannot read ${file} (${(cause as Error).message})`, 'Name a file that exists.', {
      cause,
    });
  }
  const input = parseYaml(content, file);
  const located = ({ name, input: value, ...field }: Field): Field => {
    const { scalar } = value;
    const isPath =
      typeof scalar === 'string' && (name === 'structure' || (name === 'model' && scalar.endsWith('.mlts')));
    const path = isPath && !isAbsolute(scalar) ? join(dirname(file), scalar) : scalar;
    return { ...field, name, input: isPath ? { ...value, scalar: path } : value };
  };
  return input.fields === undefined ? input : { ...input, fields: input.fields.map(located) };
}
