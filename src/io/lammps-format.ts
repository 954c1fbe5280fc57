import { massOf, symbolOf } from '../elements.ts';
import type { Structure } from './structure.ts';

/** A data file of style atomic, one type an element in order of appearance, masses and symbols beside them. */
export function formatLammpsData(structure: Structure): string {
  const { numbers, positions, cell } = structure;
  const types = [...new Set(numbers)];
  const box = cell ? restricted(cell) : boundingBox(positions);
  const tilt = box.tilt.some((value) => value !== 0) ? [`${box.tilt.join(' ')} xy xz yz`] : [];
  const rows = Array.from(numbers, (number, i) => {
    const r = positions.subarray(3 * i, 3 * i + 3);
    const rotated = [0, 1, 2].map(
      (k) => r[0] * box.rotation[k] + r[1] * box.rotation[3 + k] + r[2] * box.rotation[6 + k],
    );
    return `${i + 1} ${types.indexOf(number) + 1} ${rotated.join(' ')}`;
  });
  return `${[
    'LAMMPS data file written by mlts, units metal',
    '',
    `${numbers.length} atoms`,
    `${types.length} atom types`,
    ...['x', 'y', 'z'].map((axis, k) => `${box.low[k]} ${box.high[k]} ${axis}lo ${axis}hi`),
    ...tilt,
    '',
    'Masses',
    '',
    ...types.map((number, type) => `${type + 1} ${massOf(number)} # ${symbolOf(number)}`),
    '',
    'Atoms # atomic',
    '',
    ...rows,
  ].join('\n')}\n`;
}

interface Box {
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** xy xz yz */
  readonly tilt: readonly number[];
  /** [3,3], r' = r·rotation */
  readonly rotation: ArrayLike<number>;
}

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** The box as LAMMPS wants it: a along x, b in the xy plane; positions turn with it. Right-handed cells only. */
function restricted(cell: Float64Array): Box {
  const [a, b, c] = [cell.subarray(0, 3), cell.subarray(3, 6), cell.subarray(6, 9)];
  const dot = (u: ArrayLike<number>, v: ArrayLike<number>) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
  const ax = Math.sqrt(dot(a, a));
  const ex = [...a].map((value) => value / ax);
  const bx = dot(b, ex);
  const inPlane = [...b].map((value, k) => value - bx * ex[k]);
  const by = Math.sqrt(dot(inPlane, inPlane));
  const ey = inPlane.map((value) => value / by);
  const ez = [ex[1] * ey[2] - ex[2] * ey[1], ex[2] * ey[0] - ex[0] * ey[2], ex[0] * ey[1] - ex[1] * ey[0]];
  const alreadySo = cell[1] === 0 && cell[2] === 0 && cell[5] === 0 && cell[0] > 0 && cell[4] > 0;
  return {
    low: [0, 0, 0],
    high: alreadySo ? [cell[0], cell[4], cell[8]] : [ax, by, dot(c, ez)],
    tilt: alreadySo ? [cell[3], cell[6], cell[7]] : [bx, dot(c, ex), dot(c, ey)],
    rotation: alreadySo ? IDENTITY : [ex[0], ey[0], ez[0], ex[1], ey[1], ez[1], ex[2], ey[2], ez[2]],
  };
}

/** A box with 1 Å around the atoms of a system without a cell. */
function boundingBox(positions: Float64Array): Box {
  const axis = (k: number) => positions.filter((_, i) => i % 3 === k);
  const low = [0, 1, 2].map((k) => axis(k).reduce((least, x) => Math.min(least, x), Infinity) - 1);
  const high = [0, 1, 2].map((k) => axis(k).reduce((most, x) => Math.max(most, x), -Infinity) + 1);
  return { low, high, tilt: [0, 0, 0], rotation: IDENTITY };
}
