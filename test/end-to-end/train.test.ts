/** `mlts train` in processes of its own: the example, HIP-NN, transfer, and what bad input gets. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModelAndCard } from '../../src/model/load.ts';
import { mlts } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';
import { EXAMPLE, folderWith, framesOf, train, writeConfig } from '../support/trainings.ts';

describe('the example', () => {
  it('learns GFN2-xTB of small molecules in less than a minute, and says how well', { timeout: 180_000 }, async () => {
    const cwd = temporaryFolder();
    const config = readFileSync(join(EXAMPLE, 'molecules.yaml'), 'utf8').replaceAll(
      'examples/training/',
      `${EXAMPLE}/`,
    );
    writeFileSync(join(cwd, 'train.yaml'), config);
    const { code, stdout, stderr } = await train(cwd, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ epoch: 1, member: 0, learning_rate: 0.002, batch: 16 });
    const { energy, forces, calibration, on } = lines.at(-1);
    expect(on).toBe('test');
    expect(energy.rmse).toBeLessThan(0.008);
    expect(forces.rmse).toBeLessThan(0.13);
    expect(calibration.sigmaForce).toBeGreaterThan(0.3);
    expect(calibration.sigmaForce).toBeLessThan(6);

    const { card } = await loadModelAndCard(join(cwd, 'molecules.mlts'));
    expect(card.elements).toEqual(['H', 'C', 'O']);
    expect(card.calibration?.sigma_force).toBeCloseTo(calibration.sigmaForce, 3);
    expect(card.provenance).toMatchObject({
      level_of_theory: 'GFN2-xTB',
      metrics: { on: 'test', frames: lines.at(-1).frames },
    });
    const report = readFileSync(join(cwd, 'molecules.html'), 'utf8');
    expect(report.match(/<svg/g)?.length).toBe(9);
    expect(report).not.toMatch(/(src|href)="/);
  });
});

it('the example of a HIP-NN learns the same, with its blocks in order', { timeout: 180_000 }, async () => {
  const cwd = temporaryFolder();
  const config = readFileSync(join(EXAMPLE, 'hipnn.yaml'), 'utf8').replaceAll('examples/training/', `${EXAMPLE}/`);
  writeFileSync(join(cwd, 'train.yaml'), config);
  const { code, stdout, stderr } = await train(cwd, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { energy, forces } = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(energy.rmse).toBeLessThan(0.004);
  expect(forces.rmse).toBeLessThan(0.16);
  const { model } = await loadModelAndCard(join(cwd, 'hipnn.mlts'));
  expect(model.architecture).toBe('hipnn');
});

describe('files of their own for validation and test', () => {
  it('are not trained on, and the written model has the errors that the card says', { timeout: 60_000 }, async () => {
    const cwd = folderWith('epochs: 3\nsplit: {validation: v.extxyz, test: t.extxyz}');
    writeFileSync(join(cwd, 'v.extxyz'), framesOf((_, i) => i % 15 === 0).join(''));
    writeFileSync(join(cwd, 't.extxyz'), framesOf((_, i) => i % 15 === 1).join(''));
    const { code, stdout, stderr } = await train(cwd, '--json');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: '48 frames left out: the same structure as one for validation or test (frames.extxyz, frame 0)\n',
    });
    const last = JSON.parse(stdout.trim().split('\n').at(-1)!);
    const seen = await mlts(['assess', 't.extxyz', '--model', 'small.mlts', '--json'], {}, cwd);
    const { structures, energyPerAtom, forces } = JSON.parse(seen.stdout);
    expect(structures).toBe(24);
    expect(last).toMatchObject({ on: 'test', frames: 24 });
    for (const [trained, served] of [
      [last.energy.rmse, energyPerAtom.rmse],
      [last.energy.mae, energyPerAtom.mae],
      [last.forces.rmse, forces.rmse],
    ]) {
      expect(Math.abs(trained / served - 1)).toBeLessThan(2e-3);
    }
  });
});

describe('a HIP-NN ensemble', () => {
  it('is trained, served, and gone on with at another level', { timeout: 120_000 }, async () => {
    const cwd = folderWith();
    const model = 'model: {architecture: hipnn, cutoff: 5, features: 12, sensitivities: 10, blocks: 1, atom_layers: 1}';
    writeConfig(cwd, `epochs: 25\nloss: hippynn\noptimiser: {learning_rate: 0.004}\n${model}`);
    const trained = await train(cwd);
    expect({ code: trained.code, stderr: trained.stderr }).toEqual({ code: 0, stderr: '' });
    const [, energy, forces] = /RMSE E (\S+) meV\/atom, F (\S+) eV/.exec(trained.stdout) ?? [];
    expect(Number(energy)).toBeLessThan(40);
    expect(Number(forces)).toBeLessThan(0.8);
    const { card } = await loadModelAndCard(join(cwd, 'small.mlts'));
    expect(card).toMatchObject({ architecture: 'hipnn', features: 12, blocks: 1, reach: 5 });
    const evaluated = await mlts(
      ['eval', 'frames.extxyz', '--index', '0', '--model', './small.mlts', '--json'],
      {},
      cwd,
    );
    const first = JSON.parse(evaluated.stdout);
    const label = Number(/energy=(\S+)/.exec(framesOf((_, i) => i === 0)[0])![1]);
    expect(Math.abs(first.energy - label) / first.natoms).toBeLessThan(0.1);
    expect(first.sigma_energy).toBeGreaterThan(0);

    writeFileSync(
      join(cwd, 'train.yaml'),
      'data: frames.extxyz\noutput: moved\ninit: ./small.mlts\nfreeze: [1]\nepochs: 2\n',
    );
    expect((await train(cwd)).code).toBe(0);
    const [before, after] = await Promise.all(
      ['small', 'moved'].map((name) => loadModelAndCard(join(cwd, `${name}.mlts`))),
    );
    for (const [name, { data }] of after.tensors) {
      const same = data.every((value, i) => value === before.tensors.get(name)!.data[i]);
      expect(same, name).toBe(!/^0\.(atom|head)/.test(name));
    }
  });
});

describe('transfer learning', () => {
  it('leaves frozen layers byte for byte, moves the others, and fits the atoms', { timeout: 120_000 }, async () => {
    const cwd = folderWith('epochs: 12', { every: 3 });
    expect((await train(cwd)).code).toBe(0);
    // Another level: every atom costs something else, and all forces are a tenth stronger.
    const moved = framesOf((_, i) => i % 3 === 1).map((frame) => {
      const symbols = frame
        .split('\n')
        .slice(2, -1)
        .map((line) => line.split(/\s+/)[0]);
      const cost = symbols.reduce((sum, symbol) => sum + ({ H: 0.5, C: -2, O: 1.25 }[symbol] ?? 0), 0);
      return frame.replace(/energy=(\S+)/, (_, energy) => `energy=${Number(energy) + cost}`);
    });
    writeFileSync(join(cwd, 'other.extxyz'), moved.join(''));
    writeFileSync(
      join(cwd, 'train.yaml'),
      'data: other.extxyz\noutput: moved\ninit: small.mlts\nfreeze: [1]\nepochs: 5\nreplay: {data: frames.extxyz, weight: 0.1}\n',
    );
    const { code, stdout, stderr } = await train(cwd);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, h, c, o] = /shifts of H (\S+), C (\S+), O (\S+) eV/.exec(stdout) ?? [];
    for (const [found, put] of [
      [h, 0.5],
      [c, -2],
      [o, 1.25],
    ] as const) {
      expect(Math.abs(Number(found) - put)).toBeLessThan(0.15);
    }
    const [before, after] = await Promise.all(
      ['small', 'moved'].map((name) => loadModelAndCard(join(cwd, `${name}.mlts`))),
    );
    for (const [name, { data }] of after.tensors) {
      const same = data.every((value, i) => value === before.tensors.get(name)!.data[i]);
      if (name.endsWith('.weight')) expect(same, name).toBe(name.split('.')[1] === '0');
    }
    expect(after.card.provenance).toMatchObject({ start: { name: 'small', sha256: before.model.sha256 } });
  });
});

describe('bad input', () => {
  it('labels that are not finite are counted and left out', { timeout: 60_000 }, async () => {
    const cwd = folderWith('epochs: 1', { every: 4 });
    const frames = framesOf((_, i) => i % 4 === 0).map((frame, i) =>
      i === 3 || i === 5 ? frame.replace(/energy=\S+/, 'energy=nan') : frame,
    );
    writeFileSync(join(cwd, 'frames.extxyz'), frames.join(''));
    const { code, stderr } = await train(cwd);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: '2 frames left out: an energy that is not finite (frames.extxyz, frame 3)\n',
    });
    const { card } = await loadModelAndCard(join(cwd, 'small.mlts'));
    expect(card.provenance).toMatchObject({ data: { left_out: { 'an energy that is not finite': 2 } } });
  });

  it.each([
    ['model: {elements: [H, C, N, O]}', 1, /^E_SPECIES: no frame to train on has N/],
    ['split: {train: 0.9999, validation: 0.0001, test: 0}', 1, /^E_EMPTY: of \d+ frames none is left for validation/],
    ['loss: [{of: virial}]', 2, /^E_USAGE: the loss has the virial, and no frame has it as a label/],
    [
      'loss: [{of: energy}, {of: hierarchicality}]',
      2,
      /^E_USAGE: the loss has the hierarchicality, which only a HIP-NN/,
    ],
    ['loss: {form: torchani, hierarchicality: 1}', 2, /^E_USAGE: .*hierarchicality is '1', must be left out but for/],
    ['freeze: [1, 2, 3]', 2, /^E_USAGE: freeze has all 3 layers/],
    ['epoch: 3', 2, /^E_USAGE: train.yaml:\d+:1: 'epoch' is no setting of a training. Did you mean 'epochs'\?/],
    ['data: nowhere.extxyz', 1, /^E_FILE: nowhere.extxyz/],
  ])('%s', async (more, expected, message) => {
    const { code, stderr } = await train(folderWith(more, { every: 6 }));
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
  });

  it('total energies in Hartree are told from those in eV', async () => {
    const cwd = folderWith('epochs: 1', { every: 6 });
    const hartree: Record<string, number> = { H: -0.5, C: -37.8, O: -75 };
    const frames = framesOf((_, i) => i % 6 === 0).map((frame) => {
      const symbols = frame
        .split('\n')
        .slice(2)
        .map((line) => line.split(/\s+/)[0]);
      const energy = symbols.reduce((sum, symbol) => sum + (hartree[symbol] ?? 0), 0);
      return frame.replace(/energy=\S+/, `energy=${energy}`);
    });
    writeFileSync(join(cwd, 'frames.extxyz'), frames.join(''));
    const { code, stderr } = await train(cwd);
    expect(stderr).toMatch(/^E_USAGE: the energies are total energies in hartree by their size/);
    expect(code).toBe(2);
    writeConfig(cwd, 'epochs: 1\nself_energies: {H: -0.5, C: -37.8, O: -75}');
    expect(await train(cwd)).toMatchObject({ code: 0 });
  });

  it('levels of theory that are mixed are told', async () => {
    const cwd = folderWith('epochs: 1', { every: 6 });
    const frames = framesOf((_, i) => i % 6 === 0).map((frame, i) =>
      frame.replace(/energy=/, `level=${i < 7 ? 'wB97X' : 'GFN2-xTB'} energy=`),
    );
    writeFileSync(join(cwd, 'frames.extxyz'), frames.join(''));
    const { code, stderr } = await train(cwd);
    expect(stderr).toMatch(/^E_USAGE: the data mixes levels of theory: 7 of wB97X, \d+ of GFN2-xTB/);
    expect(code).toBe(2);
  });

  it('what is in the test file as well is not trained on, and counted', { timeout: 60_000 }, async () => {
    const cwd = folderWith('epochs: 1\nsplit: {validation: validation.extxyz, test: test.extxyz}', { every: 6 });
    const frames = framesOf((_, i) => i % 6 === 0);
    writeFileSync(join(cwd, 'validation.extxyz'), framesOf((_, i) => i % 6 === 1).join(''));
    writeFileSync(join(cwd, 'test.extxyz'), frames.slice(0, 5).join(''));
    const { code, stderr } = await train(cwd);
    expect(stderr).toMatch(
      /^5 frames left out: the same structure as one for validation or test \(frames.extxyz, frame 0\)$/m,
    );
    expect(code).toBe(0);
  });

  it('atoms that are too close are counted and left out', { timeout: 60_000 }, async () => {
    const cwd = folderWith('epochs: 1\nmodel: {layers: [8], min_distance: 0.9}', { every: 6 });
    const { code, stderr } = await train(cwd);
    expect(code).toBe(0);
    // Hydrogen of methane, water and formaldehyde vibrates around 0.96 to 1.1 Å.
    expect(stderr).toMatch(
      /^\d+ frames? left out: two atoms closer than the model's shortest distance \(frames.extxyz, frame \d+: .*0\.8\d* Å/,
    );
  });

  it('a rate at which the loss explodes is halved until it does not, or told', { timeout: 60_000 }, async () => {
    const cwd = folderWith('epochs: 2\noptimiser: {learning_rate: 1}', {
      every: 6,
    });
    const { code, stderr } = await train(cwd);
    expect(stderr).toMatch(
      /the loss of member \d exploded; it goes back to the epoch before at a learning rate of 0.5/,
    );
    if (code === 1) expect(stderr).toMatch(/E_UNSTABLE: the loss of member \d exploded in epoch \d/);
    else expect(code).toBe(0);
  });
});
