/** Trainings that are killed, run out of disk or memory, or are dealt out: what survives, and goes on to the same weights. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../src/dynamics/output/checkpoint.ts';
import { loadModelAndCard } from '../../src/model/load.ts';
import { MAIN, start, watch } from '../support/mlts.ts';
import { folderWith, framesOf, rows, rowsOf, train, writeConfig } from '../support/trainings.ts';

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

describe('members that train alone', () => {
  const CONFIG = 'epochs: 3\nname: same\nsplit: {strided: [12, 4, 0], test: 0.1}\noutput: ';
  /** Errors of training and of validation, column by column. */
  const errorsOf = (csv: string) => {
    const rows = csv
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split(',').map(Number));
    return { train: rows.flatMap((row) => row.slice(4, 7)), validation: rows.flatMap((row) => row.slice(7, 10)) };
  };

  it('make the ensemble that they make side by side', { timeout: 120_000 }, async () => {
    const cwd = folderWith(`${CONFIG}whole`, { every: 2 });
    expect((await train(cwd)).code).toBe(0);
    writeConfig(cwd, `${CONFIG}parts`);
    for (const member of ['1', '0']) {
      const { code, stdout } = await train(cwd, '--member', member);
      expect(code).toBe(0);
      expect(stdout).toContain(`wrote parts.member-${member}.checkpoint`);
    }
    const { code, stdout } = await train(cwd, '--join');
    expect(code).toBe(0);
    expect(stdout).toContain('wrote parts.mlts, parts.html');
    const [a, b] = ['whole', 'parts'].map((name) => errorsOf(readFileSync(join(cwd, `${name}.csv`), 'utf8')));
    const far = (one: number[], other: number[]) => Math.max(...one.map((x, i) => Math.abs(x / other[i] - 1)));
    expect(b.train).toHaveLength(a.train.length);
    expect(far(b.train, a.train)).toBeLessThan(1e-6);
    // Validated is the running average, which side by side counts the steps of the member that has most.
    expect(far(b.validation, a.validation)).toBeLessThan(3e-3);
    const [whole, parts] = await Promise.all(
      ['whole', 'parts'].map((name) => loadModelAndCard(join(cwd, `${name}.mlts`))),
    );
    expect(parts.card.provenance?.best_epochs).toEqual(whole.card.provenance?.best_epochs);
    for (const [name, { data }] of whole.tensors) {
      const other = parts.tensors.get(name)!.data;
      for (let k = 0; k < data.length; k++) expect(Math.abs(other[k] - data[k])).toBeLessThan(2e-3);
    }
  });

  it('are joined only when all have ended', { timeout: 120_000 }, async () => {
    const cwd = folderWith('epochs: 4000', { every: 4 });
    expect((await train(cwd, '--member', '2')).stderr).toMatch(/^E_USAGE: there is no member 2. Members are 0 to 1./m);
    const running = start(['train', 'train.yaml', '--member', '0'], {}, cwd);
    await rowsOf(join(cwd, 'small.member-0.csv'), 2);
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect((await train(cwd, '--join')).stderr).toMatch(
      /^E_FILE: small.member-0.checkpoint is of a training that has not ended. Go on with --member 0 --resume./m,
    );
    expect((await train(cwd, '--member', '0')).stderr).toMatch(/^E_FILE: small.member-0.checkpoint exists already/m);
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
