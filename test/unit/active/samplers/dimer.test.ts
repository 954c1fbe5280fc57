import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import {
  bestAngle,
  curvatureOf,
  internal,
  REACH,
  type Rigid,
  rotated,
  turnOf,
} from '../../../../src/active/samplers/dimer.ts';
import { dot } from '../../../../src/dynamics/minimise/minimiser.ts';
import { randomNumbers } from '../../../support/systems.ts';

const N = 5;
const random = randomNumbers(8);
const vector = () => Float64Array.from({ length: 3 * N }, () => random() - 0.5);
const x = vector().map((r) => 4 * r);

/** A random symmetric Hessian that shifts, and turns, do not feel. */
function hessian(rigid: Rigid): Matrix {
  const projector = new Matrix(Array.from({ length: 3 * N }, (_, k) => {
    const unit = new Float64Array(3 * N);
    unit[k] = 1;
    return [...internal(unit, x, rigid, false)];
  })); // biome-ignore format: rows
  const any = new Matrix(Array.from({ length: 3 * N }, () => [...vector()]));
  return projector.mmul(any.clone().add(any.transpose())).mmul(projector);
}

describe('a dimer', () => {
  it.each(['shifts', 'shifts and turns'] as const)(
    'turns into the direction of lowest curvature without %s',
    (rigid) => {
      const matrix = hessian(rigid);
      const forces = (at: Float64Array) =>
        Float64Array.from(matrix.mmul(Matrix.columnVector([...at])).to1DArray(), (g) => -g);
      const centre = forces(x);
      const tip = (mode: Float64Array) => forces(x.map((r, k) => r + REACH * mode[k]));
      let mode = internal(vector(), x, rigid);
      const curvatures: number[] = [];
      for (let turn = 0; turn < 80; turn++) {
        const found = turnOf(mode, centre, tip(mode), x, rigid);
        curvatures.push(found.curvature);
        const best = bestAngle(found, curvatureOf(found.trial, centre, tip(found.trial)));
        // The surface is quadratic: what is foretold is what is there.
        mode = rotated(mode, found.towards, best.angle);
        expect(curvatureOf(mode, centre, tip(mode))).toBeCloseTo(best.curvature, 6);
      }
      const lowest = Math.min(...new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues);
      expect(curvatures.at(-1)).toBeCloseTo(lowest, 4);
      for (let turn = 1; turn < 80; turn++) expect(curvatures[turn]).toBeLessThanOrEqual(curvatures[turn - 1] + 1e-9);
      expect(dot(mode, mode)).toBeCloseTo(1, 9);
    },
  );

  it('does not shift all atoms, and turns them only where they are periodic', () => {
    const about = (axis: number) => {
      const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
      return x.map((_, k) => (k % 3 === u ? -x[k - (k % 3) + v] : k % 3 === v ? x[k - (k % 3) + u] : 0));
    };
    const size = (direction: Float64Array, rigid: Rigid) => {
      const left = internal(direction, x, rigid, false);
      return Math.sqrt(dot(left, left) / dot(direction, direction));
    };
    for (const axis of [0, 1, 2]) {
      const shift = x.map((_, k) => (k % 3 === axis ? 1 : 0));
      expect(size(shift, 'shifts')).toBeLessThan(1e-12);
      expect(size(about(axis), 'shifts and turns')).toBeLessThan(1e-12);
      expect(size(about(axis), 'shifts')).toBeGreaterThan(0.5);
    }
    expect(dot(internal(vector(), x, 'shifts'), internal(vector(), x, 'shifts'))).toBeLessThan(1);
  });
});
