/** Decks in a real LAMMPS, against the campaign's model. */
import { copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { samplerRule } from '../../../../src/active/samplers/parse.ts';
import type { SamplerContext } from '../../../../src/active/samplers/sampler.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import type { Result } from '../../../../src/engine/potential.ts';
import { openPotential } from '../../../../src/engine/select.ts';
import { loadModel } from '../../../../src/model/load.ts';
import { expectError } from '../../../support/expect-error.ts';
import { temporaryFolder } from '../../../support/servers.ts';
import { randomNumbers } from '../../../support/systems.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const model = await loadModel(join(ROOT, 'models/default.mlts'));
const potential = await openPotential(model, { threads: 1 });
afterAll(() => potential.close());

/** Ethanol, heated until the members disagree. */
const DECK = `
units           metal
atom_style      atomic
newton          on
read_data       ethanol.data
pair_style      mlts \${endpoint} model \${model}
pair_coeff      * * H C O
compute         u all pair mlts
variable        certain equal c_u[1]<\${threshold}
velocity        all create 600 \${seed} mom yes rot yes
fix             1 all nve
fix             heat all langevin 3000 8000 0.01 \${seed}
timestep        0.0005
dump            doubt all custom 10 \${dump} id type element x y z
dump_modify     doubt element H C O sort id skip v_certain
thermo          10
thermo_style    custom step temp c_u[1]
run             300
`;

interface Trial {
  readonly deck?: string;
  readonly settings?: string;
  readonly signal?: AbortSignal;
  readonly threshold?: number;
}

function trial({ deck = DECK, settings = '', signal, threshold = 0.4 }: Trial = {}) {
  const [folder, scratch] = [temporaryFolder(), temporaryFolder()];
  copyFileSync(join(ROOT, 'examples/lammps/data/ethanol.data'), join(folder, 'ethanol.data'));
  writeFileSync(join(folder, 'in.heat'), deck);
  const said: string[] = [];
  const context: SamplerContext = {
    ...{ potential, model: undefined, random: randomNumbers(11), seed: 11, threshold, scratch },
    structures: async () => [],
    say: (text) => void said.push(text),
    signal: signal ?? new AbortController().signal,
  };
  const yaml = `{kind: lammps, deck: '${join(folder, 'in.heat')}', ${settings}}`;
  const propose = () => samplerRule(parseYaml(yaml, 'learn.yaml')).propose(context);
  const isRunning = async () => {
    const size = () => statSync(join(scratch, 'uncertain-0.lammpstrj')).size;
    const before = size();
    expect(before).toBeGreaterThan(0);
    await sleep(400);
    return size() > before;
  };
  return { propose, said, isRunning };
}

const sigmas = async (frames: Parameters<typeof potential.evaluate>[0]) =>
  ((await potential.evaluate(frames, new Set(['forces', 'sigma']))) as Result[]).map(({ sigmaForces }) =>
    Math.max(...sigmaForces!),
  );

const NOTHING = { certain: 0, failed: 0, 'cut off by the time limit': 0, 'too close': 0, 'left out': 0 };

describe("the user's deck", () => {
  it('computes with the model of the campaign; each run leaves uncertain frames of its own', async () => {
    const { frames, discarded } = await trial({ settings: 'runs: 2' }).propose();
    expect(discarded).toEqual(NOTHING);
    expect(new Set(frames.map(({ info }) => info.run))).toEqual(new Set([0, 1]));
    expect(frames.every(({ info }) => Number(info.step) % 10 === 0)).toBe(true);
    for (const { numbers, pbc } of frames) {
      expect([...numbers]).toEqual([6, 6, 8, 1, 1, 1, 1, 1, 1]);
      expect(pbc).toEqual([true, true, true]);
    }
    // The dump has six digits.
    for (const sigma of await sigmas(frames)) expect(sigma).toBeGreaterThan(0.399);
    const first = (run: number) => frames.find(({ info }) => info.run === run)!.positions;
    expect(first(0)).not.toEqual(first(1));
  });

  it('is no proposal where the members agree', async () => {
    const { frames, discarded } = await trial({ threshold: 1e6 }).propose();
    expect(frames).toEqual([]);
    expect(discarded).toEqual({ ...NOTHING, certain: 1 });
  });

  it('may dump types, with their elements in the settings, and run on ranks', async () => {
    const deck = DECK.replace('type element', 'type').replace('element H C O sort', 'sort');
    const ranks = `command: [${join(ROOT, '.venv/bin/mpirun')}, -np, 2, ${join(ROOT, '.venv/bin/lmp')}]`;
    const { frames } = await trial({ deck, settings: `elements: [H, C, O], ${ranks}` }).propose();
    expect([...frames[0].numbers]).toEqual([6, 6, 8, 1, 1, 1, 1, 1, 1]);
    for (const sigma of await sigmas(frames)) expect(sigma).toBeGreaterThan(0.399);
    await expectError(trial({ deck, settings: 'elements: [H, C]' }).propose, 'E_FILE', "type '3'");
    await expectError(trial({ deck }).propose, 'E_FILE', 'says no elements');
  });

  it('proposes no more frames of a run than it is told, and counts the others', async () => {
    const whole = await trial({ threshold: 0 }).propose();
    const { frames, discarded } = await trial({ threshold: 0, settings: 'count: 4' }).propose();
    expect(whole.frames).toHaveLength(31);
    expect(frames).toHaveLength(4);
    expect(discarded['left out']).toBe(27);
    const steps = frames.map(({ info }) => Number(info.step));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    for (const frame of frames) expect(whole.frames).toContainEqual(frame);
  });

  it('that fails stops with the words of LAMMPS; frames dumped before are taken all the same', async () => {
    const failing = (deck: string) => trial({ deck, threshold: 0 });
    await expectError(
      failing(DECK.replace('pair_coeff      * * H C O', 'pair_coeff * * H C')).propose,
      'E_USAGE',
      'in.heat fails: ERROR',
    );
    const { propose, said } = failing(`${DECK}\nnonsense 1\n`);
    const { frames, discarded } = await propose();
    expect(frames.length).toBeGreaterThan(20);
    expect(discarded).toEqual({ ...NOTHING, failed: 1 });
    expect(said).toEqual([expect.stringMatching(/^in\.heat failed in 1 of 1 runs: ERROR: Unknown command: nonsense/)]);
  });

  it('is cut off at the time limit with all it started, and what it dumped is taken', async () => {
    const endless = DECK.replace('run             300', 'dump_modify doubt flush no\nrun 100000000').replace(
      /fix +heat.*/,
      '',
    );
    const { propose, isRunning } = trial({ deck: endless, threshold: 0, settings: 'seconds: 3, count: 100000' });
    const { frames, discarded } = await propose();
    expect(discarded).toEqual({ ...NOTHING, 'cut off by the time limit': 1 });
    expect(frames.length).toBeGreaterThan(3);
    expect(frames.at(-1)!.numbers).toHaveLength(9);
    expect(await isRunning()).toBe(false);
  });

  it('can be interrupted', async () => {
    const { propose, isRunning } = trial({
      deck: DECK.replace('run             300', 'run 100000000').replace(/fix +heat.*/, ''),
      threshold: 0,
      signal: AbortSignal.timeout(2500),
    });
    const ended = expectError(propose, 'E_CANCELLED');
    await sleep(1000);
    expect(await isRunning()).toBe(true);
    await ended;
    expect(await isRunning()).toBe(false);
  });

  it('must use the model and the dump of the campaign', async () => {
    const other = DECK.replace(/pair_style.*/, 'pair_style zero 5.0')
      .replace('* * H C O', '* *')
      .replace('compute         u all pair mlts', 'compute u all reduce max vx vy')
      .replace(/fix +heat.*/, '');
    await expectError(trial({ deck: other }).propose, 'E_USAGE', 'never asked the model');
    const silent = DECK.replace(/dump.*\n/g, '');
    await expectError(trial({ deck: silent }).propose, 'E_USAGE', 'wrote no dump');
  });

  it('needs LAMMPS, the plug-in and itself', async () => {
    await expectError(trial({ settings: 'command: no-such-lammps' }).propose, 'E_UNAVAILABLE', 'no-such-lammps');
    expect(trial({ settings: 'plugin: /nowhere/mltsplugin.so' }).propose).toThrow(/a file that exists/);
    const none = () => samplerRule(parseYaml('{kind: lammps, deck: in.none}', 'learn.yaml'));
    expect(none).toThrow(/in\.none', must be a file that exists/);
  });
});
