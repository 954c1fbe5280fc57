/** A daemon under clients of every kind that come and are killed: it lives, and each answer is the undisturbed one. */
import { spawn } from 'node:child_process';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serialize } from 'node:v8';
import { expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { NativePotential } from '../../src/engine/native.ts';
import type { System, Want } from '../../src/engine/potential.ts';
import { MltsError } from '../../src/errors.ts';
import { domainsOf } from '../support/domains.ts';
import { type Ended, startServe, watch } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { temporaryFolder } from '../support/servers.ts';
import { displaced, randomNumbers, repeated } from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';

const CLIENTS = 4;
const SECONDS = 20;
const CLIENT = join(import.meta.dirname, '../support/stress-client.mjs');
const ADDON = join(import.meta.dirname, '../../build/mlts.node');

const model = testModel('test-two');
const WHOLE: readonly Want[] = ['forces', 'virial', 'sigma'];
const DOMAIN: readonly Want[] = ['forces', 'virial', 'memberEnergies', 'forceDeviations'];

/** Molecules, crystals of one to eight cells, and their slabs, some of them without atoms of their own. */
function systems(): System[] {
  const random = randomNumbers(5);
  const move = (system: System) => displaced(system, () => 0.04 * (random() - 0.5));
  const gas = potentialVector('two-gas').input;
  const crystal = potentialVector('two-triclinic').input;
  const sizes = ([[1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]] as const).map((times) => repeated(crystal, times)); // biome-ignore format: sizes
  const crystals = sizes.flatMap((system) => [move(system), move(system)]);
  const cuts = [[0, 0.5, 1], [0, 0.02, 0.7, 1], [0, 0.31, 0.33, 1]]; // biome-ignore format: borders
  const domains = crystals
    .slice(0, 4)
    .flatMap((system) => cuts.flatMap((edges) => domainsOf(system, model.model.reach, edges)));
  return [...Array.from({ length: 6 }, () => move(gas)), ...crystals, ...domains.map(({ system }) => system)];
}

/** Each system by itself, with what its clients will be told. */
async function answered() {
  const here = new NativePotential(model.model, { threads: 1 });
  const cases = [];
  for (const system of systems()) {
    const want = new Set(system.owned === undefined ? WHOLE : DOMAIN);
    const [truth] = await here.evaluate([system], want, { precision: 'double' });
    if (truth instanceof MltsError) throw truth;
    cases.push({ system, truth });
  }
  here.close();
  return cases;
}

it(
  'lives, and answers each client as if it were alone, while clients of all kinds are killed',
  async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'cases');
    const cases = await answered();
    expect(cases.filter(({ system }) => system.owned === 0).length).toBeGreaterThan(0);
    writeFileSync(file, serialize(cases));
    const daemon = await startServe([model.path(), '--threads', '2', '--bind', `ipc://${folder}/socket`]);
    const [endpoint] = daemon.endpoints;

    const counts = { started: 0, killed: 0, answers: 0 };
    const begin = performance.now();
    const left = () => SECONDS - (performance.now() - begin) / 1000;
    const startClient = () => {
      const child = spawn(process.execPath, [CLIENT, endpoint, file, String(++counts.started), String(left())]);
      child.stdout.on('data', (dots: Buffer) => {
        counts.answers += dots.length;
      });
      return watch(child);
    };
    const clients = Array.from({ length: CLIENTS }, startClient);
    const random = randomNumbers(Date.now());
    const ends: Ended[] = [];
    while (left() > 4) {
      await sleep(100 + 900 * random());
      const victim = Math.floor(CLIENTS * random());
      clients[victim].process.kill('SIGKILL');
      ends.push(await clients[victim].ended);
      counts.killed++;
      clients[victim] = startClient();
      if (counts.killed === 10) {
        // What set-up does when it builds anew.
        copyFileSync(ADDON, `${ADDON}.new`);
        renameSync(`${ADDON}.new`, ADDON);
      }
    }
    ends.push(...(await Promise.all(clients.map(({ ended }) => ended))));

    expect(ends.map(({ stderr }) => stderr).join('')).toBe('');
    expect(ends.filter(({ code }) => code === 0)).toHaveLength(CLIENTS);
    expect(ends.filter(({ signal }) => signal === 'SIGKILL')).toHaveLength(counts.killed);
    expect(counts.killed).toBeGreaterThanOrEqual(10);
    expect(counts.answers).toBeGreaterThan(500);

    const last = await Client.connect(endpoint);
    onTestFinished(() => last.close());
    const { memory, queue, errors } = await last.stats();
    expect(queue).toEqual({ requests: 0, atoms: 0 });
    expect(errors.E_INTERNAL ?? 0).toBe(0);
    expect(memory.resident).toBeLessThan(300e6);
    daemon.process.kill('SIGTERM');
    const { code, stderr } = await daemon.ended;
    expect(code).toBe(0);
    expect(stderr).not.toMatch(/"level":"error"/);
  },
  1000 * (SECONDS + 40),
);
