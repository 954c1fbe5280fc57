import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dihedral, dihedralGradient, type Quartet, sideOf, turned, wrapAngle } from '../../../src/analysis/dihedral.ts';
import { adjusted } from '../../../src/analysis/evaluate.ts';
import { reactionEnergies, readReactions } from '../../../src/analysis/reactions.ts';
import { stationaryPoints, type TorsionPoint, torsionScan } from '../../../src/analysis/torsion.ts';
import type { System } from '../../../src/engine/potential.ts';
import { MltsError } from '../../../src/errors.ts';
import { Analytic, muellerBrown } from '../../support/analytic.ts';
import { close } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { python } from '../../support/python.ts';
import { Springs } from '../../support/springs.ts';
import { randomNumbers } from '../../support/systems.ts';
import { temporaryFolder } from '../io/files.ts';

const PEROXIDE: System = {
  numbers: Int32Array.of(8, 8, 1, 1),
  positions: Float64Array.of(0, 0.73, 0, 0, -0.73, 0, 0.9, 1, 0.1, -0.5, -1, 0.7),
};
const CHAIN: Quartet = [2, 0, 1, 3];

describe('torsion angles', () => {
  it('are those of ASE, and their gradient that of differences', () => {
    const random = randomNumbers(4);
    const molecules = Array.from({ length: 20 }, () => Float64Array.from({ length: 12 }, () => 4 * random()));
    const want = python<number[]>(
      `from ase import Atoms
import numpy as np
result = [float(Atoms("H4", positions=np.reshape(x, (4, 3))).get_dihedral(0, 1, 2, 3)) for x in given]`,
      molecules.map((x) => [...x]),
    );
    for (const [m, x] of molecules.entries()) {
      const quartet: Quartet = [0, 1, 2, 3];
      const angle = (dihedral(x, quartet) * 180) / Math.PI;
      expect(close(Math.abs(((angle - want[m] + 540) % 360) - 180), 0, 1e-6), `${angle} for ${want[m]}`).toBe(true);
      const gradient = dihedralGradient(x, quartet);
      for (let k = 0; k < 12; k++) {
        const at = (by: number) =>
          dihedral(
            x.map((value, i) => (i === k ? value + by : value)),
            quartet,
          );
        const slope = wrapAngle(at(1e-6) - at(-1e-6)) / 2e-6;
        expect(close(gradient[k], slope, 1e-5, 1e-4)).toBe(true);
      }
    }
  });

  it('turning one side adds the angle and bends nothing else', () => {
    const side = sideOf(PEROXIDE, 0, 1);
    expect(side.sort()).toEqual([1, 3]);
    const start = dihedral(PEROXIDE.positions, CHAIN);
    const distance = (x: Float64Array, a: number, b: number) =>
      Math.hypot(...[0, 1, 2].map((k) => x[3 * a + k] - x[3 * b + k]));
    for (const angle of [-2, 0.5, 3]) {
      const x = turned(PEROXIDE.positions, side, 0, 1, angle);
      expect(close(wrapAngle(dihedral(x, CHAIN) - start - angle), 0, 1e-12)).toBe(true);
      for (const [a, b] of [
        [0, 1],
        [0, 2],
        [1, 3],
        [0, 3],
      ]) {
        expect(close(distance(x, a, b), distance(PEROXIDE.positions, a, b), 1e-12)).toBe(true);
      }
    }
    expect([wrapAngle(Math.PI), wrapAngle(-Math.PI), wrapAngle(7)]).toEqual([Math.PI, Math.PI, 7 - 2 * Math.PI]);
  });
});

/** E = A cos φ + ½k(r_jk − r₀ − b cos φ)² + ½k(other bonds − r₀)²: relaxed, A cos φ is left. */
const [A, B, STIFF, LENGTH] = [0.3, 0.05, 30, 1.2];
const twist = new Analytic('twist', ({ positions: x }) => {
  const forces = new Float64Array(x.length);
  const phi = dihedral(x, CHAIN);
  let energy = A * Math.cos(phi);
  let slope = -A * Math.sin(phi);
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 3],
  ]) {
    const d = [0, 1, 2].map((k) => x[3 * a + k] - x[3 * b + k]);
    const r = Math.hypot(...d);
    const isCentral = b === 1;
    const off = r - LENGTH - (isCentral ? B * Math.cos(phi) : 0);
    energy += 0.5 * STIFF * off * off;
    if (isCentral) slope += STIFF * off * B * Math.sin(phi);
    for (let k = 0; k < 3; k++) {
      forces[3 * a + k] -= (STIFF * off * d[k]) / r;
      forces[3 * b + k] += (STIFF * off * d[k]) / r;
    }
  }
  const gradient = dihedralGradient(x, CHAIN);
  for (const [place, atom] of CHAIN.entries()) {
    for (let k = 0; k < 3; k++) forces[3 * atom + k] -= slope * gradient[3 * place + k];
  }
  return { energy, forces, memberEnergies: Float64Array.of(0.9 * energy, 1.1 * energy) };
});

describe('torsion scans', () => {
  it('relaxed: everything else follows, the restraint leaves no trace', async () => {
    const points = await torsionScan(twist, PEROXIDE, CHAIN, { step: Math.PI / 6, relax: true });
    expect(points).toHaveLength(12);
    for (const { angle, reached, energy, deviation } of points) {
      expect(close(reached, angle, 2e-3)).toBe(true);
      expect(close(energy as number, A * (1 + Math.cos(reached)), 2e-5), `${energy} at ${reached}`).toBe(true);
      // Members differ by a fifth of the energy.
      expect(close(deviation, (0.2 / Math.SQRT2) * (energy as number), 1e-9)).toBe(true);
    }
  });

  it('rigid: what is not relaxed costs energy', async () => {
    const points = await torsionScan(twist, PEROXIDE, CHAIN, { step: Math.PI / 6 });
    const at = (angle: number) => A * Math.cos(angle) + 0.5 * STIFF * (1.46 - LENGTH - B * Math.cos(angle)) ** 2;
    const lowest = Math.min(...points.map(({ angle }) => at(angle)));
    for (const { angle, reached, energy } of points) {
      expect(close(reached, angle, 1e-9)).toBe(true);
      expect(close(energy as number, at(angle) - lowest, 1e-9)).toBe(true);
    }
  });

  it('minima and maxima stand where the energy is level, between the points too', () => {
    // 1 − cos 2(φ − 10°): minima at 10° and −170°, maxima at ±100° from there.
    const points = Array.from({ length: 24 }, (_, i): TorsionPoint => {
      const angle = wrapAngle(((i + 1) * Math.PI) / 12);
      const energy = 1 - Math.cos(2 * (angle - Math.PI / 18));
      return { angle, reached: angle, energy, deviation: 0, system: PEROXIDE };
    });
    const found = stationaryPoints(points);
    expect(found.map(({ kind }) => kind)).toEqual(['minimum', 'maximum', 'minimum', 'maximum']);
    for (const [i, degrees] of [10, 100, -170, -80].entries()) {
      expect(Math.abs(wrapAngle(found[i].angle - (degrees * Math.PI) / 180))).toBeLessThan(0.01);
      expect(Math.abs(found[i].energy - (i % 2 === 0 ? 0 : 2))).toBeLessThan(0.002);
    }
    const failed = new MltsError('E_OVERLAP', 'too close', 'Move away.');
    expect(stationaryPoints(points.map((point, i) => (i === 0 ? { ...point, energy: failed } : point)))).toHaveLength(
      3,
    );
  });

  it('an angle that fails fails alone', async () => {
    const picky = new Analytic('picky', (system) => {
      const phi = dihedral(system.positions, CHAIN);
      if (Math.abs(phi) < 0.1) return new MltsError('E_OVERLAP', 'too close', 'Move away.');
      return { energy: phi, memberEnergies: Float64Array.of(phi) };
    });
    const points = await torsionScan(picky, PEROXIDE, CHAIN, { step: Math.PI / 2 });
    expect(points.filter(({ energy }) => energy instanceof MltsError)).toHaveLength(1);
    expect(points.filter(({ energy }) => energy === 0)).toHaveLength(1);
  });

  it('refuses what is no torsion', async () => {
    const ring: System = {
      numbers: Int32Array.of(6, 6, 6),
      positions: Float64Array.of(0, 0, 0, 1.5, 0, 0, 0.75, 1.3, 0),
    };
    await expectError(() => sideOf(ring, 0, 1), 'E_USAGE', 'part of a ring');
    await expectError(() => sideOf(PEROXIDE, 2, 3), 'E_USAGE', 'not bonded');
    await expectError(() => torsionScan(twist, PEROXIDE, [2, 0, 1, 7]), 'E_USAGE', 'no atom 7');
    await expectError(() => torsionScan(twist, PEROXIDE, [2, 0, 1, 2]), 'E_USAGE', 'twice');
    await expectError(() => torsionScan(twist, PEROXIDE, [3, 0, 1, 2]), 'E_USAGE', 'does not turn with');
  });
});

describe('reactions', () => {
  const xyz = (atoms: string[]) => `${atoms.length}\n\n${atoms.join('\n')}\n`;
  const files = (list: string) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.xyz'), xyz(['H 1 0 0', 'O 0 0 0']));
    writeFileSync(join(folder, 'b.xyz'), xyz(['H 0 2 0']));
    writeFileSync(join(folder, 'c.xyz'), xyz(['O 0 0 0', 'H 1 0 0', 'H 2 1 0']));
    writeFileSync(join(folder, 'ts.xyz'), xyz(['O 0 0 0', 'H 3 0 0', 'H 2 1 0']));
    writeFileSync(join(folder, 'list.yaml'), list);
    return join(folder, 'list.yaml');
  };
  const GOOD = `
- name: addition
  reactants: {a.xyz: 1, b.xyz: 1}
  products: [c.xyz]
  transition: ts.xyz
  reference: {energy: 1.5, barrier: 9}
- reactants: [c.xyz]
  products: {c.xyz: 1}
`;

  it('are sums of energies with the spread of their difference', async () => {
    // Springs of 1 and 3 eV/Å² on each atom: E = Σr², members ½Σr² and 1.5Σr².
    const [first, second] = await reactionEnergies(new Springs(), readReactions(files(GOOD)));
    expect(first).toMatchObject({ energy: 6 - 1 - 4, barrier: 9 + 5 - 1 - 4 });
    expect(close(first.energyDeviation, Math.SQRT1_2 * 1, 1e-12)).toBe(true);
    expect(close(first.barrierDeviation!, Math.SQRT1_2 * 9, 1e-12)).toBe(true);
    expect(first.reaction.reference).toEqual({ energy: 1.5, barrier: 9 });
    expect(second).toMatchObject({ energy: 0, barrier: undefined });
    expect(second.reaction.name).toBe('reaction 2');
  });

  it('find their transition state by a path', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'first.xyz'), xyz(['H -0.5582236 1.4417258 0']));
    writeFileSync(join(folder, 'last.xyz'), xyz(['H -0.0500108 0.4666941 0']));
    writeFileSync(join(folder, 'l.yaml'), '- {reactants: [first.xyz], products: [last.xyz], transition: neb}\n');
    // The surface has one member: itself.
    const potential = adjusted(muellerBrown(), (result) => ({
      ...result,
      memberEnergies: Float64Array.of(result.energy),
    }));
    const [found] = await reactionEnergies(potential, readReactions(join(folder, 'l.yaml')));
    expect(close(found.barrier!, -0.4066484 + 1.4669952, 2e-3)).toBe(true);
    expect(close(found.energy, -0.8076782 + 1.4669952, 1e-5)).toBe(true);
  });

  it('say what is wrong with a list', async () => {
    const of = (list: string) => () => reactionEnergies(new Springs(), readReactions(files(list)));
    await expectError(
      of('- {reactants: [a.xyz], products: [b.xyz]}'),
      'E_SPECIES',
      'reaction 1 does not keep its atoms',
    );
    await expectError(of('- {reactants: [a.xyz], product: [b.xyz]}'), 'E_FILE', "reaction 1 has 'product'");
    await expectError(of('- {name: x, reactants: [a.xyz]}'), 'E_FILE', 'x has no products');
    await expectError(of('a: ['), 'E_FILE', 'list.yaml');
    await expectError(of('a: 1'), 'E_FILE', 'no list');
    await expectError(
      of('- {reactants: [a.xyz, b.xyz], products: [c.xyz], transition: neb}'),
      'E_USAGE',
      'one structure to one',
    );
    await expectError(of('- {reactants: [x.xyz], products: [x.xyz]}'), 'E_FILE', 'x.xyz');
  });
});
