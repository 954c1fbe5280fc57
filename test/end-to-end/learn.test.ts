/** `mlts learn` in processes of its own: from nothing to a model, kill -9 anywhere, and what bad input gets. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/active/journal.ts';
import { randomStream } from '../../src/training/random-stream.ts';
import { mlts, start } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../examples/active-learning/aluminium.yaml'), 'utf8');

/** The example as small as it can be. */
const TINY = EXAMPLE.replace('rounds: 4', 'rounds: 3')
  .replace('count: 40', 'count: 14')
  .replace('duration: 300fs', 'duration: 40fs')
  .replace('count: 24, first: 30, forces: 0.15', 'count: 6, first: 10, forces: 0.01')
  .replace('epochs: 60', 'epochs: 6')
  .replace('members: 4', 'members: 2\n  threads: 1');

function folderWith(config: string): string {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'al.yaml'), config);
  return cwd;
}

const journal = (cwd: string): Entry[] =>
  readFileSync(join(cwd, 'al/journal.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Entry);

/** SHA-256 of what a campaign's data are: what it selected, what it learnt from, what it held out. */
function dataOf(cwd: string): Record<string, string> {
  const rounds = readdirSync(join(cwd, 'al')).filter((name) => name.startsWith('round-'));
  const files = rounds.flatMap((round) =>
    ['selected.extxyz', 'train.extxyz', 'test.extxyz', 'model.mlts'].map((file) => `${round}/${file}`),
  );
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(cwd, 'al', file)))
        .digest('hex'),
    ]),
  );
}

describe('a campaign', () => {
  it('makes a model from random disorder, better round by round', { timeout: 180_000 }, async () => {
    const cwd = folderWith(EXAMPLE);
    const { code, stderr, stdout } = await mlts(['learn', 'al.yaml', '--json'], {}, cwd);
    expect(`${code} ${stderr}`).toBe('0 ');
    const entries = journal(cwd);
    const [first, ...later] = entries.filter(({ stage }) => stage === 'assess');
    const best = Math.min(...later.map(({ counts }) => counts.force_rmse_mev_per_angstrom));
    expect(best).toBeLessThan(0.7 * first.counts.force_rmse_mev_per_angstrom);
    const { done, model } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    expect(done).toBe(true);
    const evaluated = await mlts(['eval', join(cwd, 'al/round-0000/test.extxyz'), '--model', model, '--json'], {}, cwd);
    expect(evaluated.code).toBe(0);
    expect(JSON.parse(evaluated.stdout.split('\n')[0]).sigma_energy).toBeGreaterThan(0);
  });

  it('killed at twenty moments it comes to the same data and labels nothing twice', { timeout: 240_000 }, async () => {
    const [whole, killed] = [folderWith(TINY), folderWith(TINY)];
    expect((await mlts(['learn', 'al.yaml'], {}, whole)).code).toBe(0);
    const random = randomStream(7, 'kill');
    let kills = 0;
    const firstWritten = new Map<string, number>();
    for (let attempt = 0; attempt < 100; attempt++) {
      const begun = existsSync(join(killed, 'al/journal.jsonl'));
      const running = start(['learn', 'al.yaml', ...(begun ? ['--resume'] : [])], {}, killed);
      // Later ones are given more time: every stage must be able to end.
      const timer =
        kills < 20
          ? setTimeout(() => running.process.kill('SIGKILL'), 300 + (600 + 60 * attempt) * random.uniform())
          : undefined;
      const { signal, code, stderr } = await running.ended;
      clearTimeout(timer);
      for (const [file, time] of labelTimes(killed)) {
        expect(firstWritten.get(file) ?? time).toBe(time);
        firstWritten.set(file, time);
      }
      if (signal === 'SIGKILL') kills++;
      else if (code === 0) break;
      else throw new Error(stderr);
    }
    expect(kills).toBeGreaterThanOrEqual(20);
    expect(dataOf(killed)).toEqual(dataOf(whole));
    expect(journal(killed).map(({ round, stage }) => `${round} ${stage}`)).toEqual(
      journal(whole).map(({ round, stage }) => `${round} ${stage}`),
    );
  });
});

function labelTimes(cwd: string): [string, number][] {
  const folder = join(cwd, 'al/labels');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, statSync(join(folder, name)).mtimeMs]);
}

describe('bad input', () => {
  it.each([
    [
      'an unknown key',
      EXAMPLE.replace('rounds:', 'round:'),
      /E_USAGE: al\.yaml:\d+:\d+: 'round' is no setting.*'rounds'/,
    ],
    ['a setting of training that is the campaign’s', `${EXAMPLE}  level: x\n`, /'level'.*the campaign gives it/],
    [
      'no sampler that begins without a model',
      EXAMPLE.replace(/ {2}- kind: disorder[\s\S]*?( {2}- kind: dynamics)/, '$1'),
      /begins without a model/,
    ],
    ['a sampler of no kind', EXAMPLE.replace('kind: disorder', 'kind: disordr'), /did you mean 'disorder'/],
    ['a share above 1', `${EXAMPLE}hold_out: 1.5\n`, /of at most 0.9/],
    ['members as local tasks', `${EXAMPLE}  executor: {kind: local}\n`, /an executor of kind slurm/],
    [
      'labels longer than jobs',
      `${EXAMPLE.replace('label:', 'label:\n  seconds: 700')}executor: {kind: slurm, time: 10}\n`,
      /a label of 700 s fits in, not 600 s/,
    ],
  ])('%s: says where', async (_, config, expected) => {
    const cwd = folderWith(config);
    const { code, stderr } = await mlts(['learn', 'al.yaml'], {}, cwd);
    expect(stderr).toMatch(expected);
    expect(code).toBe(2);
    expect(existsSync(join(cwd, 'al'))).toBe(false);
  });

  it('an engine that labels nothing stops the campaign with its reason; --resume asks again', {
    timeout: 60_000,
  }, async () => {
    const wrong = TINY.replace('Al_zhou.eam.alloy', 'no-such.eam.alloy');
    const cwd = folderWith(wrong);
    const { code, stderr } = await mlts(['learn', 'al.yaml'], {}, cwd);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no-such\.eam\.alloy/);
  });

  it('a campaign is begun once, gone on with where there is one, by one process', { timeout: 60_000 }, async () => {
    const cwd = folderWith(TINY);
    expect((await mlts(['learn', 'al.yaml', '--resume'], {}, cwd)).stderr).toMatch(/no campaign was begun/);
    expect((await mlts(['learn', 'stage', 'propose', 'al.yaml'], {}, cwd)).code).toBe(0);
    expect((await mlts(['learn', 'stage', 'train', 'al.yaml'], {}, cwd)).stderr).toMatch(/needs score before it/);
    expect((await mlts(['learn', 'stage', 'score', 'al.yaml', '--json'], {}, cwd)).code).toBe(0);
    expect((await mlts(['learn', 'al.yaml'], {}, cwd)).stderr).toMatch(/holds a campaign already.*--resume/);
    writeFileSync(join(cwd, 'al/lock'), `${process.pid}\n`);
    expect((await mlts(['learn', 'al.yaml', '--resume'], {}, cwd)).stderr).toMatch(
      new RegExp(`E_BUSY: process ${process.pid}`),
    );
    writeFileSync(join(cwd, 'al/lock'), '999999999\n');
    writeFileSync(join(cwd, 'al/round-0000/scored.extxyz'), '');
    expect((await mlts(['learn', 'al.yaml', '--resume'], {}, cwd)).stderr).toMatch(
      /E_CHECKSUM: .*scored\.extxyz is gone, or is not as stage score of round 0 left it/,
    );
  });
});
