/**
 * One frame as bytes, little-endian: natoms, flags, bytes of level and of group (uint32 each); then float64 positions, cell,
 * energy, forces, virial, charges, dipole, those that the flags name; int32 atomic numbers; level and group in UTF-8; zeros up
 * to a multiple of eight. All reals are float64: what was imported comes back to the last bit.
 */
import { MltsError } from '../errors.ts';
import type { Frame } from './dataset.ts';

const HEAD = 16;
/** Values of one kind: as many per atom, and as many beside. In the order of the record. */
const REALS = [
  { name: 'cell', perAtom: 0, fixed: 9 },
  { name: 'energy', perAtom: 0, fixed: 1 },
  { name: 'forces', perAtom: 3, fixed: 0 },
  { name: 'virial', perAtom: 0, fixed: 9 },
  { name: 'charges', perAtom: 1, fixed: 0 },
  { name: 'dipole', perAtom: 0, fixed: 3 },
] as const;
/** Flags behind those of REALS: pbc is there, its three directions, level, group. */
const [PBC, PERIODIC, LEVEL, GROUP] = [6, 7, 10, 11];

type Reals = Partial<Record<(typeof REALS)[number]['name'], Float64Array>>;

/** @throws MltsError E_EMPTY without atoms; E_SHAPE where an array has the wrong length */
export function encode(frame: Frame): Buffer {
  const { numbers, positions, energy, pbc, level: levelName, group: groupName, ...arrays } = frame;
  const natoms = numbers.length;
  if (natoms === 0) throw new MltsError('E_EMPTY', 'a frame has no atoms', 'Leave it out.');
  const reals: Reals = { ...arrays, ...(energy !== undefined && { energy: Float64Array.of(energy) }) };
  let flags = 0;
  const parts: Uint8Array[] = [bytesOf(expectLength('positions', positions, 3 * natoms))];
  for (const [bit, { name, perAtom, fixed }] of REALS.entries()) {
    const values = reals[name];
    if (values === undefined) continue;
    flags |= 1 << bit;
    parts.push(bytesOf(expectLength(name, values, perAtom * natoms + fixed)));
  }
  if (pbc !== undefined) flags |= 1 << PBC;
  for (const [k, periodic] of (pbc ?? []).entries()) if (periodic) flags |= 1 << (PERIODIC + k);
  if (levelName !== undefined) flags |= 1 << LEVEL;
  if (groupName !== undefined) flags |= 1 << GROUP;
  const [level, group] = [Buffer.from(levelName ?? ''), Buffer.from(groupName ?? '')];
  parts.push(bytesOf(numbers), level, group);
  const length = HEAD + parts.reduce((sum, part) => sum + part.length, 0);
  const head = bytesOf(Uint32Array.of(natoms, flags, level.length, group.length));
  return Buffer.concat([head, ...parts, Buffer.alloc(-length & 7)]);
}

/** The frame of a record whose checksum was right. */
export function decode(record: Buffer): Frame {
  const [natoms, flags, levelBytes, groupBytes] = [0, 4, 8, 12].map((at) => record.readUInt32LE(at));
  const has = (bit: number) => ((flags >> bit) & 1) === 1;
  let at = HEAD;
  const take = (bytes: number) => {
    at += bytes;
    return record.subarray(at - bytes, at);
  };
  const takeReals = (count: number) => new Float64Array(copyOf(take(8 * count)));
  const positions = takeReals(3 * natoms);
  const reals: Reals = {};
  for (const [bit, { name, perAtom, fixed }] of REALS.entries()) {
    if (has(bit)) reals[name] = takeReals(perAtom * natoms + fixed);
  }
  const numbers = new Int32Array(copyOf(take(4 * natoms)));
  const [level, group] = [take(levelBytes).toString(), take(groupBytes).toString()];
  const { energy, ...arrays } = reals;
  return {
    numbers,
    positions,
    ...arrays,
    ...(energy !== undefined && { energy: energy[0] }),
    ...(has(PBC) && { pbc: [has(PERIODIC), has(PERIODIC + 1), has(PERIODIC + 2)] }),
    ...(has(LEVEL) && { level }),
    ...(has(GROUP) && { group }),
  };
}

const bytesOf = (values: Float64Array | Int32Array | Uint32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const copyOf = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

function expectLength(name: string, values: Float64Array, length: number): Float64Array {
  if (values.length === length) return values;
  throw new MltsError(
    'E_SHAPE',
    `${name} has ${values.length} values, not ${length}`,
    'Correct its length, or leave it out.',
  );
}
