import { describe, expect, it } from 'vitest';
import { crystal, type LatticeName, repeat } from '../../../../src/dynamics/structures/crystal.ts';
import { MltsError } from '../../../../src/errors.ts';
import type { Structure } from '../../../../src/io/structure.ts';
import { Analytic } from '../../../support/analytic.ts';
import { expectError } from '../../../support/expect-error.ts';
import { MORSE_ALUMINIUM, type PairFunction, pairPotential } from '../../../support/pair-potential.ts';
import { framesFile, measure, measurement, textFile } from './support.ts';

const TRUTH = pairPotential(MORSE_ALUMINIUM);
const scaled = (factor: number): PairFunction => ({
  cutoff: MORSE_ALUMINIUM.cutoff,
  at: (r) => {
    const [value, first, second] = MORSE_ALUMINIUM.at(r);
    return [factor * value, factor * first, factor * second];
  },
});

async function energyOf(structure: Structure): Promise<number> {
  const [outcome] = await TRUTH.evaluate([structure], new Set());
  if (outcome instanceof MltsError) throw outcome;
  return outcome.energy;
}

/** Crystals around a = 4.05 Å, with the truth's energies moved by 10 eV an atom. */
async function curve(lattice: LatticeName, middle: number): Promise<Structure[]> {
  const frames = Array.from({ length: 7 }, (_, k) => crystal(lattice, [13], middle * (0.97 + 0.01 * k)));
  return Promise.all(
    frames.map(async (frame) => ({
      ...frame,
      info: { energy: (await energyOf(frame)) + 10 * frame.numbers.length },
    })),
  );
}

describe('cold curves', async () => {
  const [fcc, bcc] = [await curve('fcc', 4.05), await curve('bcc', 3.2)];
  const both = () => `{kind: cold-curves, name: Al, curves: {fcc: ${framesFile(fcc)}, bcc: ${framesFile(bcc)}}}`;

  it('are right for the model that made them, whatever the zero of energy', async () => {
    const { values: metrics } = await measure(both(), TRUTH);
    expect(Object.keys(metrics)).toEqual(
      ['fcc', 'bcc'].flatMap((name) => ['energies', 'volume', 'bulk modulus'].map((what) => `Al: ${name} ${what}`)),
    );
    for (const value of Object.values(metrics)) expect(value).toBeLessThan(1e-6);
  });

  it('of a model twice as stiff are off by 100 % in the modulus and nothing in the volume', async () => {
    const { values: metrics } = await measure(both(), pairPotential(scaled(2)));
    expect(metrics['Al: fcc bulk modulus']).toBeCloseTo(100, 4);
    expect(metrics['Al: fcc volume']).toBeCloseTo(0, 4);
    // Differences of energies are doubled, so what they are off is their own deviation from the mean, by hand.
    const perAtom = [...fcc, ...bcc].map(({ info, numbers }) => Number(info.energy) / numbers.length);
    const mean = perAtom.reduce((sum, value) => sum + value, 0) / perAtom.length;
    const squares = perAtom.slice(0, 7).reduce((sum, value) => sum + (value - mean) ** 2, 0) / 7;
    expect(metrics['Al: fcc energies']).toBeCloseTo(1000 * Math.sqrt(squares), 6);
  });

  it('take points in the config for files', async () => {
    const points = fcc.map(({ cell, info }) => `[${cell![0] ** 3 / 4}, ${Number(info.energy) / 4}]`);
    const { values: metrics } = await measure(`{kind: cold-curves, element: Al, curves: {fcc: [${points}]}}`, TRUTH);
    expect(metrics['cold curves: fcc energies']).toBeLessThan(1e-6);
    expect(metrics['cold curves: fcc bulk modulus']).toBeLessThan(1e-3);
  });

  it('are Infinity where the model refuses a crystal or has no minimum', async () => {
    const refusing = new Analytic('refusing', () => new MltsError('E_OVERLAP', 'too close', 'Move them apart.'));
    const { values: metrics, said } = await measure(both(), refusing);
    expect(Object.values(metrics)).toEqual(Array(6).fill(Infinity));
    expect(said[0]).toBe('Al: fcc: too close');
    const { values: falling } = await measure(both(), pairPotential(scaled(-1)));
    expect(falling['Al: fcc volume']).toBe(Infinity);
    expect(falling['Al: fcc energies']).toBeLessThan(Infinity);
  });

  it.each([
    ['{kind: cold-curves}', 'what the curves are compared with'],
    ['{kind: cold-curves, curves: {fcc: nowhere.extxyz}}', 'must be a file that exists'],
    ['{kind: cold-curves, curves: {fcc: [[16, -3]]}}', 'of which element the points are'],
    ['{kind: cold-curves, element: Al, curves: {fccc: [[16, -3]]}}', "did you mean 'fcc'?"],
    ['{kind: cold-curves, element: Al, curves: {fcc: [[16]]}}', '[volume, energy]'],
    ['{kind: cold-curve, curves: {}}', "did you mean 'cold-curves'?"],
    ['{curves: {}}', 'what is measured'],
  ])('%s is refused', async (text, part) => {
    await expectError(() => measurement(text), 'E_USAGE', part);
  });

  it('need an energy in every frame', async () => {
    const file = framesFile([crystal('fcc', [13], 4)]);
    await expectError(() => measure(`{kind: cold-curves, curves: {fcc: ${file}}}`, TRUTH), 'E_FILE', 'frame 0');
  });
});

describe('a stability run', () => {
  const start = repeat(crystal('fcc', [13], 4.05) as Structure & { cell: Float64Array }, [2, 2, 2]);
  const structure = () => framesFile([start]);
  const run = (more: string) => `{kind: stability, name: run, structure: ${structure()}, temperature: 300, ${more}}`;

  it('in NVE keeps its energy', async () => {
    const settings = 'ensemble: nve, time: 200fs, timestep: 2fs, equilibration: 50fs';
    const { values: drift } = await measure(run(settings), TRUTH);
    expect(drift['run: blow-up']).toBe(0);
    expect(drift['run: energy drift']).toBeLessThan(5);
    expect(Object.keys(drift)).toHaveLength(2);
  });

  it('is compared with a table of g(r), and with a trajectory', async () => {
    // The crystal itself, cold: its shells are sharp, and the run's are the same.
    const cold = `{kind: stability, name: run, structure: ${structure()}, temperature: 0.01, time: 60fs, timestep: 2fs, `;
    const { values: same } = await measure(`${cold} rdf: ${structure()}}`, TRUTH);
    expect(same['run: g(r)']).toBeLessThan(0.01);
    const rows = Array.from({ length: 80 }, (_, k) => `${(k + 0.5) * 0.05},0,0,0`);
    const flat = textFile('flat.csv', ['r_A,g all,error all,n all', ...rows].join('\n'));
    const { values: nothing } = await measure(`${cold} rdf: ${flat}}`, TRUTH);
    expect(nothing['run: g(r)']).toBeGreaterThan(3);
    const other = textFile('other.csv', 'r_A,S all\n1,2\n');
    await expectError(() => measure(`${cold} rdf: ${other}}`, TRUTH), 'E_FILE', 'holds no g(r)');
  });

  it('that blows up is Infinity in all that it should have given', async () => {
    // Atoms that fall into each other.
    const { values: metrics, said } = await measure(
      run(`ensemble: nve, time: 2ps, timestep: 2fs, rdf: ${structure()}`),
      pairPotential(scaled(-20)),
    );
    expect(metrics).toEqual({ 'run: blow-up': Infinity, 'run: energy drift': Infinity, 'run: g(r)': Infinity });
    expect(said[0]).toMatch(/^run: ended at \d+ fs: /);
  });

  it('ends when it is told to', async () => {
    const context = { potential: TRUTH, seed: 1, say: () => undefined, signal: AbortSignal.abort() };
    await expectError(() => measurement(run('time: 1ps')).measure(context), 'E_CANCELLED');
  });

  it.each([
    ['time: 1ps, equilibration: 1ps', 'an equilibration shorter than the time'],
    ['time: 0', 'a time above 0'],
    ['ensemble: npt', 'one of nve, nvt'],
  ])('%s is refused', async (more, part) => {
    await expectError(() => measurement(run(more)), 'E_USAGE', part);
  });
});
