import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crystal, repeat } from '../../src/dynamics/structures/crystal.ts';
import { formatExtxyz } from '../../src/io/extxyz.ts';
import type { Structure } from '../../src/io/structure.ts';
import { dcdFrame, dcdHeader } from '../../src/io/write-dcd.ts';
import { close } from '../support/close.ts';
import { mlts, start, startServe } from '../support/mlts.ts';
import { NOT_RUN, publishedFolder, publishedModel } from '../support/published.ts';
import { temporaryFolder } from '../support/servers.ts';
import { randomNumbers } from '../support/systems.ts';
import { normal, randomWalk } from '../support/trajectories.ts';

const DEFAULT_MODEL = join(import.meta.dirname, '../../models/default.mlts');
const PEROXIDE = '4\n\nO 0 0.73 -0.05\nO 0 -0.73 -0.05\nH 0.8 0.9 0.4\nH -0.8 -0.9 0.4\n';
/** Fifteen seconds each on an idle machine; others may be at work. */
const LONG = { timeout: 120_000 };

const folderWith = (files: Record<string, string | Buffer>) => {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
};
const analyze = (cwd: string, ...args: string[]) => mlts(['analyze', ...args], {}, cwd);

const solid = (): Structure => {
  const one = crystal('fcc', [13], 4.05);
  return repeat({ ...one, cell: one.cell! }, [3, 3, 3]);
};

/** Frames of an Einstein crystal, so that g(r) has peaks of a width. */
function vibrating(frames: number): Structure[] {
  const random = randomNumbers(3);
  const { positions, ...rest } = solid();
  return Array.from({ length: frames }, (_, t) => ({
    ...rest,
    info: { time: 10 * t, step: 10 * t },
    positions: positions.map((x) => x + 0.1 * normal(random)),
  }));
}

describe('mlts analyze of trajectories', () => {
  it('rdf: the table, the same in CSV, JSON and from DCD, and a plot', LONG, async () => {
    const frames = vibrating(12);
    const cwd = folderWith({
      'run.extxyz': frames.map(formatExtxyz).join(''),
      'run.dcd': Buffer.concat([
        dcdHeader(108, { timestep: 1, every: 10, first: 0 }, true, 'test'),
        ...frames.map(dcdFrame),
      ]),
      'start.xyz': formatExtxyz(frames[0]),
    });
    const table = await analyze(cwd, 'rdf', 'run.extxyz', '--out', 'rdf.csv', '--plot', 'rdf.svg');
    expect({ code: table.code, stderr: table.stderr }).toEqual({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(
      /^12 frames, 0\.0602\d\d atoms\/Å³\npair +first peak\/Å +height +minimum\/Å +neighbours\nall +2\.8\d+ ± .* 12(\.\d+ ± .*)?\n$/,
    );
    expect(readFileSync(join(cwd, 'rdf.svg'), 'utf8')).toMatch(/^<svg[\s\S]*g\(r\)[\s\S]*<\/svg>$/);
    const [header, ...rows] = readFileSync(join(cwd, 'rdf.csv'), 'utf8').trim().split('\n');
    expect(header).toBe('r_A,g all,error all,n all');
    const json = await analyze(cwd, 'rdf', 'run.dcd', '--topology', 'start.xyz', '--json');
    const object = JSON.parse(json.stdout);
    expect(object.frames).toBe(12);
    expect(object.r).toHaveLength(rows.length);
    for (const [k, row] of rows.entries()) {
      const [r, g] = row.split(',').map(Number);
      expect(close(object.r[k], r, 1e-9)).toBe(true);
      // Single precision moves a pair in a thousand to the next bin.
      expect(close(object.pairs[0].g[k], g, 0.05, 0.02)).toBe(true);
    }
  });

  it('msd, sq and vacf say what they found, and what they need', LONG, async () => {
    const frames = [...randomWalk(40, 120, 2e-3, 10)].map(({ time: _, ...frame }) => formatExtxyz(frame));
    const cwd = folderWith({
      'walk.extxyz': frames.join(''),
      'uneven.extxyz': frames.filter((_, t) => t !== 1).join(''),
    });
    const msd = await analyze(cwd, 'msd', 'walk.extxyz', '--window', '200', '--json');
    const [element] = JSON.parse(msd.stdout).elements;
    expect(element.element).toBe('Ar');
    expect(close(element.diffusion_A2_fs.mean, 2e-3, 5 * element.diffusion_A2_fs.error)).toBe(true);
    const sq = await analyze(cwd, 'sq', 'walk.extxyz', '--cutoff', '4');
    expect(sq).toMatchObject({ code: 0, stdout: expect.stringMatching(/^120 frames\npair +highest at/) });
    expect(await analyze(cwd, 'vacf', 'walk.extxyz')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_FILE: the frames hold no velocities/),
    });
    expect(await analyze(cwd, 'msd', 'uneven.extxyz')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^E_USAGE: frames come 20 fs apart and then 10 fs/),
    });
    expect(await analyze(cwd, 'msd', 'walk.extxyz', '--index', '500:')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_EMPTY: .*no frames/),
    });
  });

  it('averages: errors of a log, and the names it has', LONG, async () => {
    const random = randomNumbers(9);
    const rows = Array.from({ length: 400 }, (_, k) => `${k},${300 + 4 * normal(random)},${-7 + normal(random)}`);
    const cwd = folderWith({ 'log.csv': `step,T,E\n${rows.join('\n')}\n` });
    const { code, stdout } = await analyze(cwd, 'averages', 'log.csv', '--columns', 'T', '--skip', '0');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^400 of 400 rows, 0 skipped\ncolumn +mean ± error .*\nT +(299|300|301)\.\d+ ± 0\.\d+/);
    const wrong = await analyze(cwd, 'averages', 'log.csv', '--columns', 'Temp');
    expect(wrong).toMatchObject({
      code: 2,
      stderr: "E_USAGE: there is no column 'Temp' with values. There are step, T, E.\n",
    });
    expect(await analyze(cwd, 'averages', 'log.csv', '--out', 'x.txt')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ends in \.csv or \.json/),
    });
  });
});

describe('mlts analyze of molecules', () => {
  it('torsion: mirror images are alike; a server gives the same', LONG, async () => {
    const cwd = folderWith({ 'h2o2.xyz': PEROXIDE });
    const args = ['torsion', 'h2o2.xyz', '--atoms', '2,0,1,3', '--relax', '--step', '30', '--json'];
    const local = await analyze(
      cwd,
      ...args,
      '--model',
      DEFAULT_MODEL,
      '--structures',
      'scan.xyz',
      '--plot',
      'scan.svg',
    );
    expect({ code: local.code, stderr: local.stderr }).toEqual({ code: 0, stderr: '' });
    const { points } = JSON.parse(local.stdout);
    expect(points).toHaveLength(12);
    const at = (angle: number) => points.find((point: { angle: number }) => Math.abs(point.angle - angle) < 0.5);
    for (const angle of [30, 60, 90, 120, 150]) expect(close(at(angle).energy, at(-angle).energy, 1e-4)).toBe(true);
    // Cis is the high barrier of hydrogen peroxide (7.4 kcal/mol), trans the low one (1.1).
    expect(at(0).energy).toBeGreaterThan(at(180).energy + 0.1);
    expect(readFileSync(join(cwd, 'scan.xyz'), 'utf8').match(/torsion=/g)).toHaveLength(12);
    const { endpoints } = await startServe([DEFAULT_MODEL]);
    const remote = await analyze(cwd, ...args, '--connect', endpoints[0]);
    for (const [k, point] of JSON.parse(remote.stdout).points.entries()) {
      expect(close(point.energy, points[k].energy, 1e-6)).toBe(true);
      expect(close(point.sigma, points[k].sigma, 1e-6)).toBe(true);
    }
  });

  it('barrier: ammonia turns inside out over a planar saddle', LONG, async () => {
    const half = (z: number) => `4\n\nN 0 0 ${z}\nH 0.94 0 0\nH -0.47 0.81406 0\nH -0.47 -0.81406 0\n`;
    const cwd = folderWith({ 'up.xyz': half(0.38), 'down.xyz': half(-0.38) });
    const { code, stdout, stderr } = await analyze(
      cwd,
      ...[
        'barrier',
        'up.xyz',
        'down.xyz',
        '--relax',
        '--images',
        '5',
        '--model',
        DEFAULT_MODEL,
        '--json',
        '--structures',
        'path.xyz',
      ],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { barrier, reaction, saddle, points } = JSON.parse(stdout);
    expect(saddle).toBe(3);
    expect(close(reaction, 0, 1e-4)).toBe(true);
    // 0.25 eV by experiment.
    expect(barrier).toBeGreaterThan(0.05);
    expect(barrier).toBeLessThan(0.6);
    expect(points).toHaveLength(7);
    const frames = readFileSync(join(cwd, 'path.xyz'), 'utf8').trim().split('\n');
    const z = frames.slice(6 * saddle + 2, 6 * saddle + 6).map((line) => Number(line.split(/\s+/)[3]));
    expect(Math.max(...z) - Math.min(...z)).toBeLessThan(0.02);
  });

  it('reactions: a list, its errors, and what is wrong with it', LONG, async () => {
    const cwd = folderWith({
      'h2o2.xyz': PEROXIDE,
      'water.xyz': '3\n\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n',
      'o2.xyz': '2\n\nO 0 0 0\nO 0 0 1.21\n',
      'list.yaml':
        '- {name: decay, reactants: {h2o2.xyz: 2}, products: {water.xyz: 2, o2.xyz: 1}, reference: {energy: -2.0}}\n',
      'bad.yaml': '- {name: loss, reactants: [h2o2.xyz], products: [water.xyz]}\n',
    });
    const good = await analyze(cwd, 'reactions', 'list.yaml', '--model', DEFAULT_MODEL);
    expect(good.stdout).toMatch(/\ndecay +-?\d+\.\d\d[\s\S]*energy: mean absolute error \d+/);
    expect(good.code).toBe(0);
    const bad = await analyze(cwd, 'reactions', 'bad.yaml', '--model', DEFAULT_MODEL);
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringMatching(/^E_SPECIES: loss does not keep its atoms/) });
  });
});

describe('mlts analyze', () => {
  it('has examples, and tells wrong usage', LONG, async () => {
    const cwd = folderWith({ 'h2o2.xyz': PEROXIDE });
    expect((await analyze(cwd, '--help')).stdout).toMatch(/Examples:\n {2}mlts analyze rdf/);
    const usage: [string[], RegExp][] = [
      [['rfd', 'a'], /unknown command 'rfd'/],
      [['eos', '--model', DEFAULT_MODEL], /^E_USAGE: default knows .*Choose one with --element/],
      [['eos', '--lattices', 'fcx', '--model', DEFAULT_MODEL], /Choose from .*hcp/],
      [['elastic', 'h2o2.xyz', '--model', DEFAULT_MODEL], /^E_CELL: the structure is no crystal/],
      [['elastic', '--build', 'fcc:C:3'], /^E_USAGE: neither a model nor a server/],
      [['surface', '--planes', '11', '--build', 'fcc:C:3', '--model', DEFAULT_MODEL], /^E_USAGE: '11' is no plane/],
      [['path', 'brain', '--model', DEFAULT_MODEL], /^E_USAGE: there is no path 'brain'/],
      [['torsion', 'h2o2.xyz', '--atoms', '0,1,2', '--model', DEFAULT_MODEL], /^E_USAGE: --atoms names 3 atoms/],
      [['melting', '--temperatures', 'warm', '--model', DEFAULT_MODEL], /Give temperatures in K/],
    ];
    for (const [args, message] of usage) {
      const { code, stderr, stdout } = await analyze(cwd, ...args);
      expect(stderr).toMatch(message);
      expect({ code: code! > 0, stdout }).toEqual({ code: true, stdout: '' });
    }
  });

  it.skipIf(publishedFolder === undefined)(
    'ANI-Al: cold curves, elastic constants, a defect, melting that can be stopped',
    LONG,
    async () => {
      const cwd = temporaryFolder();
      const model = (await publishedModel('ani-al')).path();
      const eos = await analyze(
        cwd,
        'eos',
        '--lattices',
        'fcc,bcc,hcp',
        '--model',
        model,
        '--out',
        'eos.json',
        '--plot',
        'eos.svg',
      );
      expect({ code: eos.code, stderr: eos.stderr }).toEqual({ code: 0, stderr: '' });
      expect(eos.stdout).toMatch(
        /^Al, lowest -74\.4749\d+ eV\/atom\nlattice .*\nfcc +4\.054\d +— +0\.00 +7\d\.\d+ .*\nhcp .*\nbcc /,
      );
      const { lattices } = JSON.parse(readFileSync(join(cwd, 'eos.json'), 'utf8'));
      expect(lattices.map(({ lattice }: { lattice: string }) => lattice)).toEqual(['fcc', 'bcc', 'hcp']);
      const elastic = await analyze(cwd, 'elastic', '--build', 'fcc:Al:4.05', '--model', model);
      expect(elastic.stdout).toMatch(/\ncubic: C11 11\d\.\d\d {2}C12 5\d\.\d\d {2}C44 30\.\d\d GPa\n/);
      const vacancy = await analyze(
        cwd,
        'vacancy',
        '--build',
        'fcc:Al:4.0543',
        '--repeat',
        '2',
        '2',
        '2',
        '--model',
        model,
        '--json',
      );
      expect(close(JSON.parse(vacancy.stdout).formation, 0.66, 0.1)).toBe(true);
      const short = ['--repeat', '2', '2', '4', '--preparation', '0.5', '--time', '0.2'];
      const melting = await analyze(
        cwd,
        ...[
          'melting',
          '--build',
          'fcc:Al:4.1',
          ...short,
          '--temperatures',
          '1000,1300',
          '--model',
          model,
          '--out',
          'melting.csv',
        ],
      );
      // So short and small that both may melt: what counts is that it runs to its end and says what it saw.
      expect(melting.stdout).toMatch(
        /^64 atoms\n +T\/K .*\n *1000\.0 .*\n *1300\.0 .*\n\n(melting point|no melting point)/,
      );
      expect(readFileSync(join(cwd, 'melting.csv'), 'utf8').trim().split('\n')).toHaveLength(1 + 2 * 10);
      // Minutes of work.
      const large = [
        '--build',
        'fcc:Al:4.1',
        '--repeat',
        '5',
        '5',
        '10',
        '--temperatures',
        '900,1000',
        '--model',
        model,
      ];
      const long = start(['analyze', 'melting', ...large], {}, cwd);
      await new Promise((resolve) => setTimeout(resolve, 4000));
      long.process.kill('SIGINT');
      expect(await long.ended).toMatchObject({ code: 130, stdout: '', stderr: expect.stringMatching(/^E_CANCELLED/) });
    },
  );

  if (publishedFolder === undefined) it.skip(NOT_RUN, () => undefined);
});
