/** What of a server's work is handed over to be kept; the thread that keeps it is an object here. */
import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Client } from '../../../src/client/client.ts';
import { silentLog } from '../../../src/log.ts';
import { type Answer, DEFAULT_HARVEST, Harvest, type Harvested } from '../../../src/server/harvest.ts';
import { chain, startServer } from '../../support/servers.ts';
import { Springs } from '../../support/springs.ts';

class Thread extends EventEmitter {
  readonly given: Harvested[] = [];
  postMessage(message: Harvested | null, transfer: ArrayBuffer[] = []): void {
    if (message === null) this.emit('exit');
    else this.given.push(structuredClone(message, { transfer }));
  }
  answer(answer: Answer = 'kept'): void {
    this.emit('message', answer);
  }
}

function harvest(more: Partial<typeof DEFAULT_HARVEST> = {}) {
  const thread = new Thread();
  const log = silentLog();
  const said: string[] = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    log[level] = ((text: string) => void said.push(`${level}: ${text}`)) as never;
  }
  const settings = { ...DEFAULT_HARVEST, folder: '/nowhere', threshold: 4, ...more };
  return { thread, said, harvest: new Harvest(settings, thread as unknown as Worker, log) };
}

/** σ_F of atom i is √2·(i+1) eV/Å: the springs of two members differ by 2 eV/Å². */
async function served(more: Partial<typeof DEFAULT_HARVEST> = {}) {
  const made = harvest(more);
  const { endpoint } = await startServer({
    potentials: [new Springs()],
    observe: (...computed) => made.harvest.take(...computed),
  });
  const client = await Client.connect(endpoint);
  return { ...made, client };
}

const moved = (n: number, by: number) => {
  const { numbers, positions } = chain(n);
  return { numbers, positions: positions.map((x, k) => x + (k % 3 === 1 ? by : 0)) };
};

describe('a harvest', () => {
  it('takes structures on which the members disagree, as the client sent them', async () => {
    const { client, thread } = await served();
    await client.evaluateMany([chain(1), chain(2), chain(3), chain(4)]);
    const cell = Float64Array.of(30, 0, 0, 0, 30, 0, 0, 0, 30);
    await client.evaluate({ ...chain(5), cell, pbc: [true, false, true] });
    client.close();
    expect(thread.given.map(({ numbers }) => numbers.length)).toEqual([3, 4, 5]);
    const [three, , five] = thread.given;
    expect(three).toMatchObject({ ...chain(3), cell: undefined, pbc: [false, false, false], model: 'springs' });
    expect(three.sigma).toBeCloseTo(3 * Math.SQRT2, 9);
    expect(five).toMatchObject({ cell, pbc: [true, false, true] });
  });

  it('takes one of a session, and another after a while; the session goes on undisturbed', async () => {
    const { client, thread } = await served({ interval: 0.2 });
    const session = await client.open({ numbers: chain(4).numbers });
    const energies: number[] = [];
    for (let step = 0; step < 6; step++) energies.push((await session.evaluate(moved(4, step).positions)).energy);
    expect(thread.given).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 220));
    await session.evaluate(moved(4, 9).positions);
    const other = await client.open({ numbers: chain(4).numbers });
    await other.evaluate(moved(4, 10).positions);
    client.close();
    expect(thread.given.map(({ positions }) => positions[1])).toEqual([0, 9, 10]);
    expect(energies).toEqual([0, 1, 2, 3, 4, 5].map((y) => 1 + 4 + 9 + 16 + 4 * y * y));
  });

  it('passes over what tells no σ, domains, and what is too large to label', () => {
    const { harvest: own, thread } = harvest({ maxAtoms: 4 });
    const { model } = new Springs();
    const sigmaForces = Float64Array.of(9, 9, 9, 9);
    own.take(chain(4), { energy: 0 }, model);
    own.take({ ...chain(4), owned: 2 }, { energy: 0, sigmaForces }, model);
    own.take(chain(5), { energy: 0, sigmaForces: new Float64Array(5).fill(9) }, model);
    own.take(chain(4), { energy: 0, sigmaForces: new Float64Array(4).fill(Number.NaN) }, model);
    expect(thread.given).toEqual([]);
    own.take(chain(4), { energy: 0, sigmaForces }, model);
    expect(thread.given).toHaveLength(1);
  });

  it('drops what comes faster than it can be kept', async () => {
    const { client, thread, harvest: own } = await served();
    const many = Array.from({ length: 100 }, (_, i) => moved(4, i));
    expect(await client.evaluateMany(many)).toHaveLength(100);
    expect(thread.given).toHaveLength(32);
    for (let i = 0; i < 32; i++) thread.answer(i < 30 ? 'kept' : 'known');
    expect(own.counts).toEqual({ kept: 30, dropped: 68 });
    await client.evaluateMany(many);
    client.close();
    expect(thread.given).toHaveLength(64);
  });

  it('pauses where the folder is full, says so once, and goes on without it when the thread dies', async () => {
    const { harvest: own, thread, said } = harvest();
    const take = () => own.take(chain(4), { energy: 0, sigmaForces: Float64Array.of(9) }, new Springs().model);
    for (let i = 0; i < 3; i++) take();
    for (let i = 0; i < 3; i++) thread.answer({ full: 'doubt is full' });
    take();
    expect(thread.given).toHaveLength(3);
    expect(own.counts).toEqual({ kept: 0, dropped: 4 });
    expect(said).toEqual(['warn: harvest: doubt is full; looking again once a minute']);
    thread.answer('kept');
    expect(said.at(-1)).toBe('info: harvest: structures are kept again');
    thread.emit('error', new Error('out of memory'));
    take();
    expect(said.at(-1)).toBe('error: harvest: out of memory; nothing more is kept');
    await own.close();
  });
});
