/** The embedded models load; the default one gives the energies that its own tools computed from the equations (tools/default-model/check.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/engine/potential.ts';
import { ReferencePotential } from '../../../src/engine/reference/reference.ts';
import { openPotential } from '../../../src/engine/select.ts';
import { loadModel, loadModelAndCard } from '../../../src/model/load.ts';
import { openLabelled } from '../../../src/training/files.ts';

interface Golden {
  readonly sha256: string;
  readonly cases: {
    readonly name: string;
    readonly numbers: number[];
    readonly positions: number[][];
    readonly cell: number[][] | null;
    readonly member_energies: number[];
  }[];
}

const file = (name: string) => fileURLToPath(new URL(`../../../models/${name}`, import.meta.url));

describe('the embedded default model', async () => {
  const golden: Golden = JSON.parse(readFileSync(file('default.check.json'), 'utf8'));
  const model = await loadModel(file('default.mlts'));
  const potential = new ReferencePotential(model);

  it('is the file that the golden energies were made from', () => {
    expect(model.sha256).toBe(golden.sha256);
    expect(golden.cases.length).toBeGreaterThan(3);
  });

  it('has the licence of the package that ships it', async () => {
    const { license } = JSON.parse(
      readFileSync(fileURLToPath(new URL('../../../package.json', import.meta.url)), 'utf8'),
    );
    expect((await loadModelAndCard(file('default.mlts'))).card.licence).toBe(license);
  });

  it.each(golden.cases)('$name: energies of all members', async ({ numbers, positions, cell, member_energies }) => {
    const system = {
      numbers: Int32Array.from(numbers),
      positions: Float64Array.from(positions.flat()),
      ...(cell === null ? {} : { cell: Float64Array.from(cell.flat()), pbc: [true, true, true] as const }),
    };
    const [outcome] = await potential.evaluate([system], new Set(['memberEnergies']));
    const { memberEnergies } = outcome as Result;
    expect(memberEnergies?.length).toBe(member_energies.length);
    for (const [m, want] of member_energies.entries()) {
      expect(Math.abs((memberEnergies?.[m] ?? Number.NaN) - want)).toBeLessThan(1e-9 * numbers.length);
    }
  });
});

describe('the HIP-NN ensemble beside it', () => {
  it('knows the molecules of the training example as their labels have them', async () => {
    const set = await openLabelled(fileURLToPath(new URL('../../../examples/training/frames.extxyz', import.meta.url)));
    const frames = await set.read(Int32Array.from({ length: 30 }, (_, i) => 12 * i));
    const potential = await openPotential(await loadModel(file('hipnn.mlts')), { threads: 1 });
    const outcomes = await potential.evaluate(frames, new Set(['forces', 'sigma']));
    await potential.close();
    let [error, label, count] = [0, 0, 0];
    for (const [i, outcome] of outcomes.entries()) {
      const { forces, sigmaForces } = outcome as Result;
      expect(sigmaForces?.every((sigma) => sigma > 0)).toBe(true);
      for (const [k, f] of frames[i].forces!.entries()) {
        error += (forces![k] - f) ** 2;
        label += f * f;
        count++;
      }
    }
    expect(Math.sqrt(label / count)).toBeGreaterThan(0.9);
    expect(Math.sqrt(error / count)).toBeLessThan(0.1);
  });
});
