/** What a user wrote, from a YAML file or the command line, each value with the place where it stands. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { MltsError } from '../../errors.ts';

/** A value and how to call it in messages: `run.yaml:3:5: 'timestep'` or `--timestep`. */
export interface Input {
  readonly place: string;
  /** Text, number, boolean or null where it is a single value. */
  readonly scalar?: unknown;
  readonly items?: readonly Input[];
  readonly fields?: readonly Field[];
  /** How a setting is written there, for advice: `--time`; its name alone where this is absent. */
  readonly spelled?: (name: string) => string;
}

export interface Field {
  readonly name: string;
  readonly place: string;
  readonly input: Input;
}

/** @throws MltsError E_USAGE with line and column where it is no YAML */
export function parseYaml(content: string, file: string): Input {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines });
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) {
    throw new MltsError('E_USAGE', `${at(error.pos[0])}: ${error.message.split('\n')[0]}`, 'Correct the YAML there.');
  }
  const read = (node: Node | null, place: string): Input => {
    if (isMap(node)) {
      const fields = node.items.map(({ key, value }): Field => {
        const name = String(isScalar(key) ? key.value : key);
        const here = `${at((key as Node).range?.[0])}: '${name}'`;
        return { name, place: here, input: read(value as Node | null, here) };
      });
      return { place, fields };
    }
    if (isSeq(node)) {
      return {
        place,
        items: node.items.map((item) => read(item as Node, `${at((item as Node).range?.[0])}: the entry`)),
      };
    }
    return { place, scalar: isScalar(node) ? node.value : null };
  };
  return read(document.contents, file);
}

/** Options of the command line under the names of the file; numbers stay text until a rule reads them. */
export function fromFlags(flags: Readonly<Record<string, unknown>>): Input {
  const fields = Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): Field => {
      const place = asFlag(name);
      const input = Array.isArray(value)
        ? { place, items: value.map((item) => ({ place, scalar: item })) }
        : { place, scalar: value };
      return { name, place, input };
    });
  return { place: 'the command line', fields, spelled: asFlag };
}

/** The structure stands on the command line without a name. */
export const asFlag = (name: string): string => (name === 'structure' ? 'FILE' : `--${name.replaceAll('_', '-')}`);
