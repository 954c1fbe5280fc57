/** What each request gets, over real sockets, from a bare DEALER. */
import { describe, expect, it } from 'vitest';
import type { EvaluateReply, HelloReply, OpenReply, StatsReply } from '../../src/protocol/messages.ts';
import { Server } from '../../src/server/server.ts';
import { Bare, chain, eventually, startServer, startSprings } from '../support/servers.ts';
import { Springs } from '../support/springs.ts';

const open = (bare: Bare, more: object = {}) =>
  bare.ask<OpenReply>({ type: 'open', id: 1, numbers: chain(3).numbers, ...more });

describe('the server', () => {
  it('introduces itself and negotiates the version', async () => {
    const { endpoint, springs } = await startSprings({ name: 'mlts 9.9' });
    const bare = new Bare(endpoint);
    const hello = await bare.ask<HelloReply>({ type: 'hello', id: 1, version: 3, client: 'test' });
    expect(hello).toMatchObject({ type: 'hello', id: 1, version: 1, server: 'mlts 9.9' });
    expect(hello.models).toEqual([
      expect.objectContaining({
        name: 'springs',
        sha256: springs.model.sha256,
        elements: [1, 6, 8],
        members: 2,
        min_distance: 0.1,
      }),
    ]);
    expect(hello.limits).toEqual({ max_atoms: 200_000, max_bytes: 2 ** 26, max_depth: 8 });
    expect(await bare.ask({ type: 'hello', id: 2, version: 0, client: 'old' })).toMatchObject({
      id: 2,
      code: 'E_VERSION',
    });
  });

  it('evaluates a whole system in one message', async () => {
    const { endpoint, springs } = await startSprings();
    const { numbers } = chain(2);
    const positions = Float64Array.of(1, 0, 0, 0, 2, 0);
    const reply = await new Bare(endpoint).ask<EvaluateReply>({
      type: 'evaluate',
      id: 9,
      numbers,
      positions,
      want: ['forces', 'sigma', 'member_energies'],
    });
    expect(reply).toEqual({
      type: 'evaluate',
      id: 9,
      sha256: springs.model.sha256,
      natoms: 2,
      energy: 5,
      forces: Float64Array.of(-2, 0, 0, 0, -4, 0),
      sigma_energy: 2.5 * Math.SQRT2,
      rho: 2.5,
      sigma_energies: Float64Array.of(0.5 * Math.SQRT2, 2 * Math.SQRT2),
      sigma_forces: Float64Array.of(Math.SQRT2, 2 * Math.SQRT2),
      member_energies: Float64Array.of(2.5, 7.5),
    });
  });

  it('brings forces, virial and sigma where nothing is said', async () => {
    const { endpoint, springs } = await startSprings();
    const reply = await new Bare(endpoint).ask<EvaluateReply>({ type: 'evaluate', id: 1, ...chain(2) });
    expect(Object.keys(reply)).toEqual(expect.arrayContaining(['forces', 'virial', 'sigma_forces']));
    expect(springs.calls[0].precision).toBe('single');
  });

  it('remembers a session: positions are enough, cells and species stay until others come', async () => {
    const { endpoint, springs } = await startSprings();
    const systems: unknown[] = [];
    const evaluate = springs.evaluate.bind(springs);
    springs.evaluate = (batch, ...rest) => {
      systems.push(...batch);
      return evaluate(batch, ...rest);
    };
    const bare = new Bare(endpoint);
    const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    const { session, sha256 } = await open(bare, { pbc: [true, true, true], precision: 'double', want: ['forces'] });
    expect(sha256).toBe(springs.model.sha256);
    const step = (more: object) => bare.ask<EvaluateReply>({ type: 'evaluate', id: 2, session, ...more });
    const { positions } = chain(3);
    expect(await step({ positions })).toMatchObject({ type: 'error', id: 2, code: 'E_CELL' });
    expect(await step({ positions, cell })).toMatchObject({ session, natoms: 3 });
    expect(await step({ positions })).toMatchObject({ natoms: 3 });
    expect(await step(chain(2))).toMatchObject({ natoms: 2 });
    expect(await step({ positions: chain(2).positions })).toMatchObject({ natoms: 2 });
    expect(await step({ positions })).toMatchObject({ code: 'E_SHAPE' });
    expect(systems).toHaveLength(4);
    for (const system of systems) expect(system).toMatchObject({ cell, pbc: [true, true, true] });
    expect(springs.calls.every((call) => call.precision === 'double' && call.want.size === 1)).toBe(true);
    expect(await step({ positions: chain(2).positions, want: ['energies'] })).toHaveProperty('energies');
    expect(springs.trajectories).toBe(1);
    expect(await bare.ask({ type: 'close', id: 3, session })).toEqual({ type: 'close', id: 3 });
    expect(springs.trajectories).toBe(0);
    expect(await step({ positions })).toMatchObject({ code: 'E_SESSION' });
  });

  it('keeps what a refused step brought out of the session', async () => {
    const { endpoint } = await startSprings();
    const bare = new Bare(endpoint);
    const { session } = await open(bare, { pbc: [true, false, false] });
    const { positions } = chain(3);
    const cell = new Float64Array(9);
    expect(await bare.ask({ type: 'evaluate', id: 2, session, positions, cell })).toMatchObject({ code: 'E_CELL' });
    const wrong = { numbers: Int32Array.of(1, 1, 92), positions };
    expect(await bare.ask({ type: 'evaluate', id: 3, session, ...wrong })).toMatchObject({
      code: 'E_SPECIES',
      atom: 2,
    });
    const good = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    expect(await bare.ask({ type: 'evaluate', id: 4, session, positions, cell: good })).toMatchObject({ natoms: 3 });
  });

  it('evaluates domains: owned atoms, then ghosts', async () => {
    const { endpoint } = await startSprings();
    const bare = new Bare(endpoint);
    const { session } = await open(bare, {
      domain: true,
      want: ['forces', 'force_deviations', 'member_energies', 'sigma'],
    });
    const { positions } = chain(3);
    const step = (more: object) => bare.ask({ type: 'evaluate', id: 2, session, positions, ...more });
    const reply = (await step({ owned: 2 })) as EvaluateReply;
    expect(reply).toMatchObject({ natoms: 3, energy: 5 });
    expect(reply.force_deviations).toHaveLength(18);
    expect(reply.sigma_forces).toBeUndefined();
    expect(await step({ owned: 0 })).toMatchObject({ natoms: 3, energy: 0 });
    expect(await step({})).toMatchObject({ code: 'E_SHAPE' });
    expect(await step({ owned: 4 })).toMatchObject({ code: 'E_SHAPE' });
    expect(await step({ owned: 1, cell: new Float64Array(9) })).toMatchObject({ code: 'E_USAGE' });
    expect(await open(bare, { domain: true, pbc: [true, true, true] })).toMatchObject({ code: 'E_USAGE' });
    const empty = await bare.ask<OpenReply>({ type: 'open', id: 1, numbers: new Int32Array(0), domain: true });
    expect(
      await bare.ask({ type: 'evaluate', id: 2, session: empty.session, positions: new Float64Array(0), owned: 0 }),
    ).toMatchObject({ natoms: 0, energy: 0 });
  });

  it('gives each system of a batch its own result or error', async () => {
    const { endpoint, springs } = await startSprings();
    springs.evaluate = async (batch) =>
      batch.map(({ numbers }) => ({ energy: numbers.length === 2 ? Number.NaN : numbers.length }));
    const systems = [chain(1), chain(2), chain(3)];
    expect(await new Bare(endpoint).ask({ type: 'evaluate', id: 1, systems })).toMatchObject({
      results: [{ natoms: 1, energy: 1 }, { code: 'E_NONFINITE' }, { natoms: 3, energy: 3 }],
    });
  });

  it('serves several models by name, and insists on bytes where asked to', async () => {
    const [a, b] = [new Springs('a', [1]), new Springs('b', [2])];
    const { endpoint } = await startServer({ potentials: [a, b] });
    const bare = new Bare(endpoint);
    const { numbers } = chain(1);
    const positions = Float64Array.of(1, 0, 0);
    const ask = (more: object) => bare.ask({ type: 'evaluate', id: 1, numbers, positions, ...more });
    expect(await ask({ model: 'a' })).toMatchObject({ energy: 0.5, sha256: a.model.sha256 });
    expect(await ask({ model: 'b' })).toMatchObject({ energy: 1, sha256: b.model.sha256 });
    expect(await ask({})).toMatchObject({ code: 'E_MODEL_NOT_FOUND', remedy: 'This server holds a, b.' });
    expect(await ask({ model: 'c' })).toMatchObject({ code: 'E_MODEL_NOT_FOUND' });
    expect(await ask({ model: 'a', sha256: b.model.sha256 })).toMatchObject({ code: 'E_HASH' });
    expect(await open(bare, { model: 'a', sha256: b.model.sha256 })).toMatchObject({ code: 'E_HASH' });
    expect(await bare.ask({ type: 'models', id: 2 })).toMatchObject({ models: [{ name: 'a' }, { name: 'b' }] });
  });

  it('cannot be started without a model, without an endpoint, or with two models of one name', async () => {
    await expect(Server.start({ potentials: [], endpoints: ['tcp://127.0.0.1:*'] })).rejects.toThrow(/^E_EMPTY/);
    await expect(Server.start({ potentials: [new Springs()], endpoints: [] })).rejects.toThrow(/^E_USAGE/);
    await expect(
      Server.start({ potentials: [new Springs(), new Springs()], endpoints: ['tcp://127.0.0.1:*'] }),
    ).rejects.toThrow(/^E_USAGE.*'springs'/);
  });

  it('counts what it did', async () => {
    const { endpoint } = await startSprings();
    const bare = new Bare(endpoint);
    await open(bare);
    await bare.ask({ type: 'evaluate', id: 2, ...chain(4) });
    await bare.ask({ type: 'evaluate', id: 3, session: 77, positions: chain(1).positions });
    const stats = await bare.ask<StatsReply>({ type: 'stats', id: 4 });
    expect(stats).toMatchObject({
      requests: 4,
      systems: 1,
      atoms: 4,
      errors: { E_SESSION: 1 },
      queue: { requests: 0, atoms: 0 },
      batches: { count: 1, mean: 1, max: 1 },
      clients: 1,
      sessions: 1,
    });
    expect(stats.latency.p50).toBeGreaterThan(0);
    expect(stats.memory.resident).toBeGreaterThan(2 ** 20);
  });
});

describe('misuse', () => {
  const { numbers, positions } = chain(2);
  const nan = Float64Array.of(0, 0, 0, 0, Number.NaN, 0);
  const left = Float64Array.of(0, 9, 0, 9, 0, 0, 0, 0, 9);
  it.each<[string, object, string]>([
    ['an unknown element', { numbers: Int32Array.of(1, 92), positions }, 'E_SPECIES'],
    ['a NaN coordinate', { numbers, positions: nan }, 'E_NONFINITE'],
    [
      'an infinite coordinate',
      { numbers, positions: positions.map((x, i) => (i === 4 ? Number.POSITIVE_INFINITY : x)) },
      'E_NONFINITE',
    ],
    ['no atoms', { numbers: new Int32Array(0), positions: new Float64Array(0) }, 'E_EMPTY'],
    ['too few positions', { numbers, positions: positions.slice(1) }, 'E_SHAPE'],
    ['a periodic system without cell', { numbers, positions, pbc: [true, false, false] }, 'E_CELL'],
    ['a singular cell', { numbers, positions, pbc: [true, true, true], cell: new Float64Array(9) }, 'E_CELL'],
    ['a left-handed cell', { numbers, positions, pbc: [true, true, true], cell: left }, 'E_CELL'],
    [
      'a NaN in the cell',
      { numbers, positions, pbc: [true, true, true], cell: new Float64Array(9).fill(Number.NaN) },
      'E_NONFINITE',
    ],
    ['no systems', { systems: [] }, 'E_EMPTY'],
    ['a session that never was', { session: 5, positions }, 'E_SESSION'],
    ['seven bytes of numbers', { numbers: new Uint8Array(7), positions }, 'E_SHAPE'],
  ])('%s gets a typed error and harms nobody', async (_, request, code) => {
    const { endpoint } = await startSprings();
    const bare = new Bare(endpoint);
    const reply = await bare.ask({ type: 'evaluate', id: 3, ...request });
    expect(reply).toMatchObject({
      type: 'error',
      id: 3,
      code,
      what: expect.stringMatching(/./),
      remedy: expect.stringMatching(/./),
    });
    expect(await bare.ask({ type: 'evaluate', id: 4, ...chain(2) })).toMatchObject({ id: 4, natoms: 2 });
  });

  it("another client's session is none of one's own", async () => {
    const { endpoint } = await startSprings();
    const [alice, mallory] = [new Bare(endpoint), new Bare(endpoint)];
    const { session } = await open(alice);
    const step = { type: 'evaluate', id: 1, session, positions: chain(3).positions };
    expect(await mallory.ask(step)).toMatchObject({ code: 'E_SESSION' });
    expect(await mallory.ask({ type: 'close', id: 2, session })).toMatchObject({ code: 'E_SESSION' });
    expect(await alice.ask(step)).toMatchObject({ natoms: 3 });
  });

  it('several frames, or an empty one, are told so', async () => {
    const { endpoint } = await startSprings();
    const bare = new Bare(endpoint);
    await bare.socket.send([Buffer.alloc(0), Buffer.from([0x80])]);
    expect(await bare.receive()).toMatchObject({ code: 'E_PROTOCOL', what: 'the message has 2 frames, not one' });
    expect(await bare.ask(new Uint8Array(0))).toMatchObject({ code: 'E_PROTOCOL' });
  });

  it('a backend that fails as a whole fails the requests of that batch, not the server', async () => {
    const { endpoint, springs } = await startSprings();
    const bare = new Bare(endpoint);
    springs.work = () => Promise.reject(new Error('segment of doom'));
    expect(await bare.ask({ type: 'evaluate', id: 1, ...chain(2) })).toMatchObject({
      code: 'E_INTERNAL',
      what: 'segment of doom',
    });
    springs.work = undefined;
    expect(await bare.ask({ type: 'evaluate', id: 2, ...chain(2) })).toMatchObject({ id: 2, natoms: 2 });
    springs.evaluate = async () => [];
    expect(await bare.ask({ type: 'evaluate', id: 3, ...chain(2) })).toMatchObject({ code: 'E_INTERNAL' });
  });

  it('memory of a session is given back when its client leaves', async () => {
    const { endpoint, springs, server } = await startSprings();
    const bare = new Bare(endpoint);
    const { session } = await open(bare);
    await bare.ask({ type: 'evaluate', id: 1, session, positions: chain(3).positions });
    let finish = () => undefined as unknown;
    springs.work = () =>
      new Promise<void>((resolve) => {
        finish = () => resolve();
      });
    await bare.send({ type: 'evaluate', id: 2, session, positions: chain(3).positions });
    await eventually(() => springs.calls.length === 2, 'the second call');
    bare.socket.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    finish();
    await eventually(() => server.stats().sessions === 0 && server.stats().clients === 0, 'the client is forgotten');
    expect(springs.trajectories).toBe(0);
  });
});
