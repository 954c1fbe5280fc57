/** What goes to the backend together, in what order replies come, and that nobody starves. */
import { describe, expect, it } from 'vitest';
import type { BatchEvaluateReply, OpenReply } from '../../src/protocol/messages.ts';
import { Bare, chain, eventually, gate, startSprings } from '../support/servers.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A server whose backend waits for `open` in its first call. */
async function held(options: Parameters<typeof startSprings>[0] = {}) {
  const started = await startSprings(options);
  const { opened, open } = gate();
  started.springs.work = () => (started.springs.calls.length === 1 ? opened : Promise.resolve());
  const first = new Bare(started.endpoint);
  await first.send({ type: 'evaluate', id: 0, ...chain(1) });
  await eventually(() => started.springs.calls.length === 1, 'the first call');
  return { ...started, first, open };
}

/** Until the server has accepted so many requests in all. */
const waiting = (server: { stats(): { queue: { requests: number } } }, requests: number) =>
  eventually(() => server.stats().queue.requests === requests, `${requests} requests wait`);

describe('batching', () => {
  it('sends what waited for one call to the backend together, across clients', async () => {
    const { endpoint, server, springs, first, open } = await held();
    const clients = Array.from({ length: 8 }, () => new Bare(endpoint));
    await Promise.all(clients.map((client, id) => client.send({ type: 'evaluate', id, ...chain(id + 1) })));
    await waiting(server, 9);
    open();
    const replies = await Promise.all(clients.map((client) => client.receive()));
    expect(replies.map((reply) => (reply as { natoms: number }).natoms)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await first.receive()).toMatchObject({ id: 0 });
    expect(springs.calls.map((call) => call.systems)).toEqual([1, 8]);
  });

  it('keeps models, precisions and wants apart', async () => {
    const { endpoint, server, springs, open } = await held();
    const bare = new Bare(endpoint);
    const kinds = [{}, { precision: 'double' }, { want: ['forces'] }, {}, { precision: 'double' }];
    for (const [id, kind] of kinds.entries()) await bare.send({ type: 'evaluate', id, ...chain(1), ...kind });
    await waiting(server, 6);
    open();
    for (const _ of kinds) await bare.receive();
    // One client is served in its own order: what follows a request of another kind waits for it.
    expect(springs.calls.slice(1).map((call) => [call.systems, call.precision, call.want.size])).toEqual([
      [1, 'single', 3],
      [1, 'double', 3],
      [1, 'single', 1],
      [1, 'single', 3],
      [1, 'double', 3],
    ]);
  });

  it('bounds a batch by its atoms, and does not hold small systems up behind a large one', async () => {
    const { endpoint, server, springs, open } = await held({ limits: { maxBatchAtoms: 50 } });
    const [large, ...small] = Array.from({ length: 5 }, () => new Bare(endpoint));
    await large.send({ type: 'evaluate', id: 1, ...chain(500) });
    for (const client of small) await client.send({ type: 'evaluate', id: 1, ...chain(20) });
    await waiting(server, 6);
    open();
    await Promise.all([large, ...small].map((client) => client.receive()));
    for (const call of springs.calls) expect(call.atoms <= 50 || call.systems === 1).toBe(true);
    expect(springs.calls.map((call) => call.atoms).sort((a, b) => a - b)).toEqual([1, 40, 40, 500]);
  });

  it('splits a request of many systems, so that others get their turn in between', async () => {
    const { endpoint, server, springs, open } = await held({ limits: { maxBatchAtoms: 10 } });
    const [many, one] = [new Bare(endpoint), new Bare(endpoint)];
    await many.send({ type: 'evaluate', id: 1, systems: Array.from({ length: 40 }, () => chain(2)) });
    await waiting(server, 2);
    await one.send({ type: 'evaluate', id: 1, ...chain(3) });
    await waiting(server, 3);
    open();
    expect(((await many.receive()) as BatchEvaluateReply).results).toHaveLength(40);
    expect(await one.receive()).toMatchObject({ natoms: 3 });
    // Ten batches or so; the one with the odd number of atoms is the first after the one that was held.
    const atoms = springs.calls.map((call) => call.atoms);
    expect(atoms.length).toBeGreaterThanOrEqual(9);
    expect(atoms.findIndex((count, index) => index > 0 && count % 2 === 1)).toBe(1);
  });

  it('takes the steps of one session one by one, and replies in their order, refusals included', async () => {
    const { endpoint, server, springs, open } = await held();
    const bare = new Bare(endpoint);
    const { session } = await bare.ask<OpenReply>({ type: 'open', id: 1, numbers: chain(2).numbers });
    const { positions } = chain(2);
    for (const id of [10, 11, 12, 13]) {
      await bare.send({ type: 'evaluate', id, session, positions: id === 12 ? positions.slice(1) : positions });
    }
    // Without a session a reply does not wait for others.
    await bare.send({ type: 'evaluate', id: 20, numbers: Int32Array.of(92), positions: new Float64Array(3) });
    expect(await bare.receive()).toMatchObject({ id: 20, code: 'E_SPECIES' });
    await waiting(server, 4);
    open();
    const replies = [await bare.receive(), await bare.receive(), await bare.receive(), await bare.receive()];
    expect(replies.map(({ id, type }) => [id, type])).toEqual([
      [10, 'evaluate'],
      [11, 'evaluate'],
      [12, 'error'],
      [13, 'evaluate'],
    ]);
    expect(springs.calls.map((call) => call.systems)).toEqual([1, 1, 1, 1]);
  });

  it('gives 8 clients equal shares while a ninth floods the queue', async () => {
    const { endpoint, springs } = await startSprings({ limits: { maxBatchAtoms: 60 } });
    springs.work = () => pause(1);
    const flood = new Bare(endpoint);
    let isOver = false;
    const flooding = (async () => {
      for (let id = 0; !isOver; id++) {
        await flood.send({ type: 'evaluate', id, ...chain(40) });
        if (id >= 32) await flood.receive();
      }
    })();
    const counts = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = new Bare(endpoint);
        let count = 0;
        for (const end = performance.now() + 1000; performance.now() < end; count++) {
          expect(await client.ask({ type: 'evaluate', id: count, ...chain(9) })).toMatchObject({
            id: count,
            natoms: 9,
          });
        }
        return count;
      }),
    );
    isOver = true;
    await flooding;
    expect(Math.min(...counts)).toBeGreaterThan(20);
    expect(Math.min(...counts)).toBeGreaterThan(0.5 * Math.max(...counts));
  });
});

describe('giving up work', () => {
  it('of a closed session: what waits is cancelled, what runs alone is told to stop', async () => {
    const { endpoint, server, springs } = await startSprings();
    let signal: AbortSignal | undefined;
    springs.work = (_, options) =>
      new Promise<void>((_resolve, reject) => {
        signal = options.signal;
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    const bare = new Bare(endpoint);
    const { session } = await bare.ask<OpenReply>({ type: 'open', id: 1, numbers: chain(2000).numbers });
    const { positions } = chain(2000);
    await bare.send({ type: 'evaluate', id: 2, session, positions });
    await bare.send({ type: 'evaluate', id: 3, session, positions });
    await eventually(() => signal !== undefined, 'the backend works');
    await bare.send({ type: 'close', id: 4, session });
    const replies = [await bare.receive(), await bare.receive(), await bare.receive()];
    expect(replies.map(({ id }) => id)).toEqual([2, 3, 4]);
    expect(replies[1]).toMatchObject({ code: 'E_CANCELLED' });
    expect(signal?.aborted).toBe(true);
    expect(server.stats()).toMatchObject({ sessions: 0, queue: { requests: 0, atoms: 0 } });
    expect(springs.trajectories).toBe(0);
  });
});
