/** `mlts serve --harvest`: what the members disagree on lies in a folder, whatever happens to the daemon. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { structureHash } from '../../src/dataset/dataset.ts';
import { readStructures } from '../../src/io/read.ts';
import { parseFrameIndex } from '../../src/io/slice.ts';
import { mlts, startServe } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { eventually, temporaryFolder } from '../support/servers.ts';
import { displaced, randomNumbers } from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';

const model = testModel('test-two').path();
const gas = potentialVector('two-gas').input;

async function connect(endpoint: string): Promise<Client> {
  const client = await Client.connect(endpoint);
  onTestFinished(() => client.close());
  return client;
}

/** Structures near each other, all different. */
function shaken(count: number, seed: number) {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => displaced(gas, () => 0.1 * random()));
}

/** Hashes of all that lies in a folder; every file is whole, and named by it. */
function harvested(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.extxyz'));
  return names.map((name) => {
    const [{ frame }, ...more] = [...readStructures(join(folder, name), parseFrameIndex(':'))];
    expect(more).toEqual([]);
    const hash = structureHash(frame).toString('hex');
    expect(name).toBe(`${hash}.extxyz`);
    return hash;
  });
}

describe('mlts serve --harvest', () => {
  it('keeps exactly what is beyond the threshold, and ends when it is told to', async () => {
    const folder = join(temporaryFolder(), 'doubt');
    const systems = shaken(20, 1);
    const probe = await connect((await startServe([model])).endpoints[0]);
    const sigmas = (await probe.evaluateMany(systems)).map((outcome) =>
      'sigmaForces' in outcome ? Math.max(...outcome.sigmaForces!) : Number.NaN,
    );
    const middle = sigmas.toSorted((a, b) => a - b);
    const threshold = (middle[9] + middle[10]) / 2;
    const server = await startServe([model, '--harvest', folder, '--harvest-above', String(threshold)]);
    const client = await connect(server.endpoints[0]);
    // Twice: each is kept once.
    for (let i = 0; i < 2; i++) await client.evaluateMany(systems);
    await client.evaluateMany(shaken(20, 2), { want: ['forces'] });
    server.process.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    const wanted = systems.filter((_, i) => sigmas[i] > threshold).map((one) => structureHash(one).toString('hex'));
    expect(wanted).toHaveLength(10);
    expect(harvested(folder).sort()).toEqual(wanted.sort());
  });

  it('leaves whole files when it is killed, and goes on where it was', async () => {
    const folder = temporaryFolder();
    const config = join(folder, 'mlts.yaml');
    const doubt = join(folder, 'doubt');
    writeFileSync(config, 'harvest: {folder: doubt, threshold: 1e-9, max_structures: 150}\n');
    let before = 0;
    for (let kill = 0; kill < 3; kill++) {
      const server = await startServe([model, '--config', config]);
      const client = await connect(server.endpoints[0]);
      const flood = (async () => {
        for (let seed = 0; ; seed++) await client.evaluateMany(shaken(20, 1000 * kill + seed));
      })().catch(() => undefined);
      await eventually(() => readdirSync(doubt).length > before + 10, 'structures are kept');
      server.process.kill('SIGKILL');
      await server.ended;
      client.close();
      await flood;
      const found = harvested(doubt).length;
      expect(found).toBeGreaterThan(before);
      before = found;
    }
    const server = await startServe([model, '--config', config]);
    const client = await connect(server.endpoints[0]);
    for (let seed = 20; readdirSync(doubt).length < 150; seed++) await client.evaluateMany(shaken(50, seed));
    await client.evaluateMany(shaken(50, 99));
    server.process.kill('SIGTERM');
    const { stderr } = await server.ended;
    expect(stderr).toContain('doubt is full (limits: 150 structures');
    expect(harvested(doubt)).toHaveLength(150);
  });

  it('refuses a folder that cannot be used, and settings without one', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const taken = await mlts(['serve', model, '--harvest', file, '--bind', 'tcp://127.0.0.1:*']);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining('E_DISK') });
    const none = await mlts(['serve', model, '--harvest-above', '0.2', '--bind', 'tcp://127.0.0.1:*']);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--harvest FOLDER') });
  });
});
