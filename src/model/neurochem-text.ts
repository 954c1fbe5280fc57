/**
 * The text files of a NeuroChem set: `.info`, `.params` and `sae_linfit.dat`.
 */
import { MltsError } from '../errors.ts';

export interface Info {
  /** Paths relative to the .info file. */
  readonly params: string;
  readonly selfEnergies: string;
  /** Member m lives in `<prefix><m>/networks`. */
  readonly prefix: string;
  readonly members: number;
}

export interface Params {
  readonly elements: string[];
  readonly radial: { cutoff: number; eta: number; shifts: number[] };
  readonly angular: { cutoff: number; eta: number; zeta: number; shifts: number[]; sections: number[] };
}

function fail(file: string, what: string): never {
  throw new MltsError(
    'E_MODEL',
    `${file}: ${what}`,
    'This is no complete NeuroChem set: get it again from its publisher.',
  );
}

/** Four lines: parameters, self energies, prefix of the members' folders, number of members. @throws MltsError E_MODEL */
export function parseInfo(text: string, file: string): Info {
  const [params, selfEnergies, prefix, members] = text.split('\n').map((line) => line.trim());
  if (!params || !selfEnergies || !prefix || !members)
    return fail(file, 'must have four lines: parameters, self energies, prefix, members');
  const count = Number(members);
  if (!Number.isSafeInteger(count) || count < 1 || count > 1000)
    return fail(file, `line 4 is ${members}, must be the number of members`);
  return { params, selfEnergies, prefix, members: count };
}

/** `KEY = value` lines; keys that do not describe the symmetry functions are passed over. @throws MltsError E_MODEL */
export function parseParams(text: string, file: string): Params {
  const keys = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [key, value] = line.split('=', 2);
    if (key !== undefined && value !== undefined) keys.set(key.trim(), value.trim());
  }
  const value = (key: string): string => keys.get(key) ?? fail(file, `${key} is missing`);
  const list = (key: string): string[] => {
    const match = /^\[(.*)\]$/.exec(value(key));
    return match === null ? fail(file, `${key} is ${value(key)}, must be a list in brackets`) : match[1].split(',');
  };
  const number = (key: string, item: string): number => {
    const parsed = item.trim() === '' ? Number.NaN : Number(item);
    return Number.isFinite(parsed) ? parsed : fail(file, `${key} holds ${item}, must be a number`);
  };
  const numbers = (key: string): number[] => list(key).map((item) => number(key, item));
  const single = (key: string): number => {
    const [first, ...others] = numbers(key);
    return others.length === 0
      ? (first as number)
      : fail(file, `${key} has ${others.length + 1} values, must have one`);
  };
  return {
    elements: list('Atyp').map((symbol) => symbol.trim()),
    radial: { cutoff: number('Rcr', value('Rcr')), eta: single('EtaR'), shifts: numbers('ShfR') },
    angular: {
      cutoff: number('Rca', value('Rca')),
      eta: single('EtaA'),
      zeta: single('Zeta'),
      shifts: numbers('ShfA'),
      sections: numbers('ShfZ'),
    },
  };
}

/** `H,0=-0.5978583943827134` lines, Hartree, index = position in the element list. @throws MltsError E_MODEL */
export function parseSelfEnergies(text: string, elements: readonly string[], file: string): Record<string, number> {
  const energies: Record<string, number> = {};
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) {
    const match = /^\s*([A-Za-z]+)\s*,\s*(\d+)\s*=\s*(\S+)\s*$/.exec(line);
    const energy = Number(match?.[3]);
    if (match === null || !Number.isFinite(energy))
      return fail(file, `line «${line.trim().slice(0, 60)}» must read SYMBOL,INDEX=ENERGY`);
    if (elements[Number(match[2])] !== match[1])
      return fail(file, `${match[1]} has index ${match[2]}, the elements are ${elements}`);
    energies[match[1]] = energy;
  }
  for (const element of elements)
    if (energies[element] === undefined) fail(file, `the self energy of ${element} is missing`);
  return energies;
}
