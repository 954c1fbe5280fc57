/** `mlts train` in processes of its own: the example, kill -9 and resume, transfer, and what bad input gets. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../src/dynamics/output/checkpoint.ts';
import { loadModelAndCard } from '../../src/model/load.ts';
import { trainable } from '../../src/training/start.ts';
import { MAIN, mlts, start, watch } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'examples/training');

/** A folder with the example's frames and this config, small unless it says otherwise. */
function folderWith(more = '', { every = 1 } = {}): string {
  const cwd = temporaryFolder();
  if (every === 1) copyFileSync(join(EXAMPLE, 'frames.extxyz'), join(cwd, 'frames.extxyz'));
  else writeFileSync(join(cwd, 'frames.extxyz'), framesOf((_, i) => i % every === 0).join(''));
  writeConfig(cwd, more);
  return cwd;
}

const SMALL = 'data: frames.extxyz\noutput: small\nmembers: 2\nthreads: 2\nmodel: {layers: [24, 16]}\nbatch: 8\n';

function writeConfig(cwd: string, more: string): void {
  // What `more` says replaces the same setting of SMALL.
  const named = new Set(more.split('\n').map((line) => line.split(':')[0]));
  const kept = SMALL.split('\n').filter((line) => !named.has(line.split(':')[0]));
  writeFileSync(join(cwd, 'train.yaml'), `${kept.join('\n')}\n${more}\n`);
}

function framesOf(keep: (frame: string, i: number) => boolean): string[] {
  const lines = readFileSync(join(EXAMPLE, 'frames.extxyz'), 'utf8').split('\n');
  const frames: string[] = [];
  for (let at = 0; at < lines.length - 1; at += Number(lines[at]) + 2) {
    frames.push(`${lines.slice(at, at + Number(lines[at]) + 2).join('\n')}\n`);
  }
  return frames.filter(keep);
}

const train = (cwd: string, ...args: string[]) => mlts(['train', 'train.yaml', ...args], {}, cwd);
const rows = (file: string): number => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 2 : 0);

async function rowsOf(file: string, count: number): Promise<void> {
  const end = performance.now() + 60_000;
  while (rows(file) < count) {
    if (performance.now() > end) throw new Error(`${file} did not reach ${count} rows`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('a disk that fills', () => {
  it('ends the training at the last checkpoint, from which it goes on', { timeout: 120_000 }, async () => {
    const cwd = folderWith('epochs: 4000', { every: 4 });
    const running = start(['train', 'train.yaml'], {}, cwd);
    await rowsOf(join(cwd, 'small.csv'), 4);
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    const saved = readFileSync(join(cwd, 'small.checkpoint'));
    const limit = Math.floor(saved.length / 2048); // kB: half a checkpoint
    const command = `ulimit -f ${limit}; exec "${process.execPath}" "${MAIN}" train train.yaml --resume`;
    const { code, stderr } = await watch(spawn('bash', ['-c', command], { cwd })).ended;
    expect(stderr).toMatch(/^E_DISK: small\.checkpoint cannot be written \(file too large\)/m);
    expect(code).toBe(1);
    expect(readFileSync(join(cwd, 'small.checkpoint')).equals(saved)).toBe(true);
    expect(readdirSync(cwd).filter((name) => name.endsWith('.part'))).toEqual([]);
    writeConfig(cwd, 'epochs: 4000');
    const again = start(['train', 'train.yaml', '--resume'], {}, cwd);
    await rowsOf(join(cwd, 'small.csv'), rows(join(cwd, 'small.csv')) + 2);
    again.process.kill('SIGINT');
    expect((await again.ended).code).toBe(130);
  });
});

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

describe('a training that was killed', () => {
  it('goes on to the same weights, bit for bit', { timeout: 180_000 }, async () => {
    const cwd = folderWith('epochs: 40\ncheckpoint: 0.05s\noutput: whole\nname: same');
    expect((await train(cwd)).code).toBe(0);
    writeConfig(cwd, 'epochs: 40\ncheckpoint: 0.05s\noutput: killed\nname: same');
    const csv = join(cwd, 'killed.csv');
    const first = start(['train', 'train.yaml'], {}, cwd);
    await rowsOf(csv, 6);
    first.process.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    const done = rows(csv);
    expect(done, 'it ended before it was killed').toBeLessThan(80);
    const second = start(['train', 'train.yaml', '--resume'], {}, cwd);
    await rowsOf(csv, Math.min(done + 6, 78));
    second.process.kill('SIGKILL');
    await second.ended;
    const { code, stdout, stderr } = await train(cwd, '--resume');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('goes on in epoch');
    for (const ending of ['mlts', 'csv']) {
      const [a, b] = ['whole', 'killed'].map((name) => readFileSync(join(cwd, `${name}.${ending}`)));
      expect(a.equals(b), ending).toBe(true);
    }
  });

  it('is saved by Ctrl-C, and refuses to go on with another config or other data', { timeout: 120_000 }, async () => {
    const cwd = folderWith('epochs: 4000', { every: 4 });
    const running = start(['train', 'train.yaml'], {}, cwd);
    await rowsOf(join(cwd, 'small.csv'), 4);
    running.process.kill('SIGINT');
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /^E_CANCELLED: interrupted in epoch \d+, small.checkpoint is written. Go on with --resume.$/m,
    );
    expect(existsSync(join(cwd, 'small.mlts'))).toBe(false);

    const without = await train(cwd);
    expect(without.code).toBe(1);
    expect(without.stderr).toBe(
      'E_FILE: small.checkpoint exists already. Go on with --resume, or replace it with --force.\n',
    );
    const file = join(cwd, 'small.checkpoint');
    const saved = readFileSync(file);
    writeCheckpoint(file, { ...(readCheckpoint(file) as object), version: '0.0.1' });
    expect((await train(cwd, '--resume')).stderr).toMatch(/^E_VERSION: small.checkpoint was written by mlts 0.0.1/);
    writeFileSync(file, saved.subarray(0, saved.length / 2));
    expect((await train(cwd, '--resume')).stderr).toMatch(/^E_(FILE|CHECKSUM): small.checkpoint/);
    writeFileSync(file, saved);
    writeConfig(cwd, 'epochs: 4000\nseed: 2');
    expect((await train(cwd, '--resume')).stderr).toMatch(/^E_HASH: small.checkpoint belongs to another config/);
    writeConfig(cwd, 'epochs: 4000');
    writeFileSync(join(cwd, 'frames.extxyz'), framesOf((_, i) => i % 5 === 0).join(''));
    expect((await train(cwd, '--resume')).stderr).toMatch(/^E_HASH: small.checkpoint belongs to another data/);
  });
});

describe('data that do not fit into memory', () => {
  it('go through it in windows, learn as well, and resume to the same bits', { timeout: 180_000 }, async () => {
    // 360 frames of less than a kB.
    const more = 'epochs: 30\nmemory: 0.0001\ncheckpoint: 0.05s\nname: same';
    const cwd = folderWith(`${more}\noutput: whole`);
    const { code, stdout } = await train(cwd);
    expect(code).toBe(0);
    const window = Number(/windows of (\d+) frames/.exec(stdout)?.[1]);
    expect(window).toBeGreaterThan(10);
    expect(window).toBeLessThan(200);
    expect(Number(/RMSE E \S+ meV\/atom, F (\S+) eV/.exec(stdout)?.[1])).toBeLessThan(0.5);
    writeConfig(cwd, `${more}\noutput: killed`);
    const first = start(['train', 'train.yaml'], {}, cwd);
    await rowsOf(join(cwd, 'killed.csv'), 6);
    first.process.kill('SIGKILL');
    await first.ended;
    expect((await train(cwd, '--resume')).code).toBe(0);
    const [a, b] = ['whole', 'killed'].map((name) => readFileSync(join(cwd, `${name}.mlts`)));
    expect(a.equals(b)).toBe(true);
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
      ['small', 'moved'].map((name) => loadModelAndCard(join(cwd, `${name}.mlts`)).then(trainable)),
    );
    for (const [k, network] of after.model.networks.entries()) {
      for (const [layer, { weights }] of network.layers.entries()) {
        const same = weights.every((weight, i) => weight === before.model.networks[k].layers[layer].weights[i]);
        expect(same, `layer ${layer + 1}`).toBe(layer === 0);
      }
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
