/** What is too much gets E_LIMIT or E_BUSY, and is gone again afterwards. */
import { describe, expect, it } from 'vitest';
import type { OpenReply } from '../../src/protocol/messages.ts';
import { Bare, chain, eventually, gate, startSprings } from '../support/servers.ts';

const open = (bare: Bare, n = 3) => bare.ask<OpenReply>({ type: 'open', id: 1, numbers: chain(n).numbers });

describe('limits of a request', () => {
  it('atoms: at the limit, beyond it, in a batch, in a session', async () => {
    const { endpoint } = await startSprings({ limits: { maxAtoms: 10 } });
    const bare = new Bare(endpoint);
    expect(await bare.ask({ type: 'evaluate', id: 1, ...chain(10) })).toMatchObject({ natoms: 10 });
    const beyond = { code: 'E_LIMIT', what: '11 atoms in one request, the limit is 10' };
    expect(await bare.ask({ type: 'evaluate', id: 2, ...chain(11) })).toMatchObject(beyond);
    expect(await bare.ask({ type: 'evaluate', id: 3, systems: [chain(5), chain(6)] })).toMatchObject(beyond);
    expect(await open(bare, 11)).toMatchObject(beyond);
    const { session } = await open(bare, 10);
    expect(await bare.ask({ type: 'evaluate', id: 4, session, ...chain(11) })).toMatchObject(beyond);
  });

  it('bytes: a typed error a little above, the end of the connection far above', async () => {
    const { endpoint, server } = await startSprings({ limits: { maxBytes: 10_000 } });
    const bare = new Bare(endpoint);
    expect(await bare.ask({ type: 'evaluate', id: 1, ...chain(500) })).toMatchObject({
      code: 'E_LIMIT',
      what: expect.stringMatching(/the limit is 10000/),
    });
    const before = process.memoryUsage().rss;
    await bare.send(new Uint8Array(2 ** 26));
    // The DEALER connects again by itself.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await bare.ask({ type: 'ping', id: 2 })).toEqual({ type: 'ping', id: 2 });
    expect(server.stats().errors).toEqual({ E_LIMIT: 1 });
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  it('depth', async () => {
    const { endpoint } = await startSprings({ limits: { maxDepth: 3 } });
    const bare = new Bare(endpoint);
    expect(await bare.ask({ type: 'ping', id: 1, extra: [[1]] })).toMatchObject({ type: 'ping' });
    expect(await bare.ask({ type: 'ping', id: 1, extra: [[[1]]] })).toMatchObject({
      code: 'E_LIMIT',
      what: 'the frame nests deeper than 3 levels',
    });
  });

  it('sessions of a client, of all clients, and the atoms they remember', async () => {
    const limits = { maxClientSessions: 2, maxSessions: 3, maxSessionAtoms: 20 };
    const { endpoint } = await startSprings({ limits });
    const [a, b] = [new Bare(endpoint), new Bare(endpoint)];
    const { session } = await open(a);
    await open(a);
    expect(await open(a)).toMatchObject({ code: 'E_LIMIT', what: 'this client has 2 sessions, the limit is 2' });
    await open(b);
    expect(await open(b)).toMatchObject({ code: 'E_LIMIT', what: 'the server has 3 sessions, the limit is 3' });
    const step = { type: 'evaluate', id: 2, session };
    expect(await a.ask({ ...step, ...chain(15) })).toMatchObject({
      code: 'E_LIMIT',
      what: 'the sessions would remember 21 atoms, the limit is 20',
    });
    expect(await a.ask({ ...step, ...chain(14) })).toMatchObject({ natoms: 14 });
    await a.ask({ type: 'close', id: 3, session });
    expect(await open(b, 14)).toMatchObject({ type: 'open' });
  });
});

describe('a full queue', () => {
  it.each([
    ['of one client', { maxClientQueue: 3 }, 'this client has 3 requests waiting, the limit is 3'],
    ['of all clients', { maxQueue: 3 }, '3 requests are waiting, the limit is 3'],
    ['of atoms', { maxQueueAtoms: 30 }, '40 atoms would be waiting, the limit is 30'],
  ])('%s says E_BUSY at once, and takes work again later', async (_, limits, what) => {
    const { endpoint, springs } = await startSprings({ limits });
    const { opened, open: release } = gate();
    springs.work = () => opened;
    const bare = new Bare(endpoint);
    for (const id of [1, 2, 3, 4, 5]) await bare.send({ type: 'evaluate', id, ...chain(10) });
    for (const id of [4, 5]) expect(await bare.receive()).toMatchObject({ id, code: 'E_BUSY', what });
    release();
    for (const id of [1, 2, 3]) expect(await bare.receive()).toMatchObject({ id, natoms: 10 });
    expect(await bare.ask({ type: 'evaluate', id: 6, ...chain(10) })).toMatchObject({ id: 6, natoms: 10 });
  });

  it('does not keep a system that is larger than the whole queue waiting for ever', async () => {
    const { endpoint } = await startSprings({ limits: { maxQueueAtoms: 5 } });
    expect(await new Bare(endpoint).ask({ type: 'evaluate', id: 1, ...chain(10) })).toMatchObject({ natoms: 10 });
  });

  it('is not got round by refusals of one session that pile up', async () => {
    const { endpoint, springs, server } = await startSprings({ limits: { maxClientQueue: 2 } });
    const { opened, open: release } = gate();
    springs.work = () => opened;
    const bare = new Bare(endpoint);
    const { session } = await open(bare);
    await bare.send({ type: 'evaluate', id: 1, session, positions: chain(3).positions });
    await eventually(() => server.stats().queue.requests === 1, 'it waits');
    for (let id = 2; id < 50; id++) await bare.send({ type: 'evaluate', id, session, positions: new Float64Array(1) });
    // All but the few that keep the order of the session come at once.
    for (let i = 0; i < 46; i++) expect(await bare.receive()).toMatchObject({ code: 'E_SHAPE' });
    release();
    expect(await bare.receive()).toMatchObject({ id: 1, natoms: 3 });
    expect(await bare.receive()).toMatchObject({ id: 2, code: 'E_SHAPE' });
    expect(await bare.receive()).toMatchObject({ id: 3, code: 'E_SHAPE' });
  });
});

describe('idle sessions', () => {
  it('give their neighbour list back first, and close later', async () => {
    const { endpoint, springs, server } = await startSprings({ limits: { idleRelease: 0.1, idleClose: 0.6 } });
    const bare = new Bare(endpoint);
    const { session } = await open(bare);
    const step = { type: 'evaluate', id: 2, session, positions: chain(3).positions };
    await bare.ask(step);
    expect(springs.trajectories).toBe(1);
    await eventually(() => springs.trajectories === 0, 'the neighbour list is released');
    expect(server.stats().sessions).toBe(1);
    expect(await bare.ask(step)).toMatchObject({ natoms: 3 });
    expect(springs.trajectories).toBe(1);
    await eventually(() => server.stats().sessions === 0 && springs.trajectories === 0, 'the session is closed');
    expect(await bare.ask(step)).toMatchObject({ code: 'E_SESSION' });
    await eventually(() => server.stats().clients === 0, 'the client is forgotten');
  });

  it('are not idle while the backend works on them', async () => {
    const { endpoint, springs, server } = await startSprings({ limits: { idleRelease: 0.05, idleClose: 0.1 } });
    const { opened, open: release } = gate();
    springs.work = () => opened;
    const bare = new Bare(endpoint);
    const { session } = await open(bare);
    await bare.send({ type: 'evaluate', id: 2, session, positions: chain(3).positions });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server.stats().sessions).toBe(1);
    expect(springs.trajectories).toBe(1);
    release();
    expect(await bare.receive()).toMatchObject({ id: 2, natoms: 3 });
  });
});
