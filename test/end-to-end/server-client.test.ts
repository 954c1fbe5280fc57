/** The TypeScript client against real servers. */
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client, type ConnectOptions } from '../../src/client/client.ts';
import { MltsError } from '../../src/errors.ts';
import { chain, eventually, gate, startServer, startSprings } from '../support/servers.ts';
import { Springs } from '../support/springs.ts';

async function connect(endpoint: string, options?: ConnectOptions): Promise<Client> {
  const client = await Client.connect(endpoint, options);
  onTestFinished(() => client.close());
  return client;
}

const failure = (promise: Promise<unknown>): Promise<MltsError> =>
  promise.then(
    () => expect.unreachable('it succeeded'),
    (error) => error,
  );

describe('Client', () => {
  it('evaluates: typed arrays in and out, sigma beside them', async () => {
    const { endpoint, springs } = await startSprings();
    const client = await connect(endpoint);
    const positions = Float64Array.of(1, 0, 0, 0, 2, 0);
    const { energy, forces, sigma, virial, sha256 } = await client.evaluate({
      numbers: Int32Array.of(1, 8),
      positions,
    });
    expect({ energy, forces, sha256 }).toEqual({
      energy: 5,
      forces: Float64Array.of(-2, 0, 0, 0, -4, 0),
      sha256: springs.model.sha256,
    });
    expect(virial).toHaveLength(9);
    expect(sigma).toEqual({
      energy: 2.5 * Math.SQRT2,
      rho: 2.5,
      energies: Float64Array.of(0.5 * Math.SQRT2, 2 * Math.SQRT2),
      forces: Float64Array.of(Math.SQRT2, 2 * Math.SQRT2),
      maxForce: 2 * Math.SQRT2,
    });
    const members = await client.evaluate(
      { numbers: Int32Array.of(1, 8), positions },
      { want: ['memberEnergies', 'forceDeviations'], precision: 'double' },
    );
    expect(members.memberEnergies).toEqual(Float64Array.of(2.5, 7.5));
    expect(members.forceDeviations).toHaveLength(12);
    expect(members).not.toHaveProperty('sigma');
    expect(members).not.toHaveProperty('forces');
    expect(springs.calls.at(-1)).toMatchObject({ precision: 'double' });
  });

  it('evaluates many in one round trip, an error among them', async () => {
    const { endpoint, springs } = await startSprings();
    const client = await connect(endpoint);
    springs.spoil = (result) => (result.energy === 1 ? new MltsError('E_OVERLAP', 'a', 'b', { atom: 0 }) : result);
    const [a, b] = await client.evaluateMany([chain(2), chain(1)]);
    expect(a).toMatchObject({ energy: 5, sha256: springs.model.sha256 });
    expect(b).toBeInstanceOf(MltsError);
    expect(b).toMatchObject({ code: 'E_OVERLAP', atom: 0 });
    expect(springs.calls).toHaveLength(1);
  });

  it('keeps any number of requests under way apart', async () => {
    const { endpoint } = await startSprings();
    const client = await connect(endpoint);
    const sizes = Array.from({ length: 60 }, (_, i) => i + 1);
    const results = await Promise.all(sizes.map((n) => client.evaluate(chain(n), { want: ['energies'] })));
    expect(results.map((result) => result.energies?.length)).toEqual(sizes);
  });

  it('opens sessions: a step sends positions, and a cell where it changes', async () => {
    const { endpoint, springs, server } = await startSprings();
    const client = await connect(endpoint);
    const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    const session = await client.open({ numbers: chain(3).numbers, pbc: [true, true, true], cell, want: ['forces'] });
    for (let step = 0; step < 3; step++) expect((await session.evaluate(chain(3).positions)).forces).toHaveLength(9);
    expect(await session.evaluate(chain(3).positions, { cell: cell.map((x) => 1.01 * x) })).toMatchObject({
      energy: 14,
    });
    expect((await session.evaluate(chain(2).positions, { numbers: chain(2).numbers })).forces).toHaveLength(6);
    expect((await session.evaluate(chain(2).positions)).forces).toHaveLength(6);
    expect(springs.trajectories).toBe(1);
    session.close();
    await eventually(() => server.stats().sessions === 0, 'the session is closed');
    expect(await failure(session.evaluate(chain(2).positions))).toMatchObject({ code: 'E_SESSION' });
  });

  it('sends again what a refused step brought', async () => {
    const { endpoint } = await startSprings();
    const client = await connect(endpoint);
    const session = await client.open({ numbers: chain(3).numbers, pbc: [true, true, true] });
    expect(await failure(session.evaluate(chain(3).positions, { cell: new Float64Array(9) }))).toMatchObject({
      code: 'E_CELL',
    });
    expect(await failure(session.evaluate(chain(3).positions))).toMatchObject({ code: 'E_CELL' });
    const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    expect(await failure(session.evaluate(new Float64Array(3), { cell }))).toMatchObject({ code: 'E_SHAPE' });
    expect(await session.evaluate(chain(3).positions)).toMatchObject({ energy: 14 });
  });

  it('steps domains', async () => {
    const { endpoint } = await startSprings();
    const client = await connect(endpoint);
    const session = await client.open({ numbers: chain(3).numbers, domain: true, want: ['forces', 'forceDeviations'] });
    expect(await session.evaluate(chain(3).positions, { owned: 2 })).toMatchObject({ energy: 5 });
    expect(await failure(session.evaluate(chain(3).positions))).toMatchObject({ code: 'E_SHAPE' });
  });

  it('opens a session again that the server let go', async () => {
    const { endpoint, server } = await startSprings({ limits: { idleRelease: 0.05, idleClose: 0.1 } });
    const client = await connect(endpoint);
    const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    const session = await client.open({ numbers: chain(3).numbers, pbc: [true, false, false], cell });
    await session.evaluate(chain(2).positions, { numbers: chain(2).numbers });
    await eventually(() => server.stats().sessions === 0, 'the session is gone');
    const steps = [session.evaluate(chain(2).positions), session.evaluate(chain(2).positions)];
    for (const step of steps) expect(await step).toMatchObject({ energy: 5 });
    expect(server.stats().sessions).toBe(1);
  });

  it('knows models, statistics and the way', async () => {
    const { endpoint, springs } = await startSprings({ name: 'mlts 1.2.3' });
    const client = await connect(endpoint);
    expect(client.server).toBe('mlts 1.2.3');
    expect(await client.models()).toEqual([{ ...springs.model, backend: springs.backend }]);
    expect(await client.stats()).toMatchObject({ clients: 1, systems: 0 });
    expect(await client.stats()).not.toHaveProperty('id');
    expect(await client.ping()).toBeGreaterThan(0);
  });

  it('closes with its scope', async () => {
    const { endpoint } = await startSprings();
    const client = await Client.connect(endpoint);
    await client[Symbol.asyncDispose]();
    expect(await failure(client.ping())).toMatchObject({ code: 'E_CONNECT', what: 'the client is closed' });
    client.close();
  });
});

describe('what goes wrong', () => {
  it.each([
    ['plain numbers', { numbers: [1], positions: new Float64Array(3) }],
    ['single precision', { numbers: Int32Array.of(1), positions: new Float32Array(3) }],
    ['nothing', {}],
    ['a list for a cell', { ...chain(1), cell: [1] }],
  ])('%s is refused before it is sent', async (_, structure) => {
    const { endpoint, server } = await startSprings();
    const client = await connect(endpoint);
    expect(await failure(client.evaluate(structure as never))).toMatchObject({ code: 'E_SHAPE' });
    expect(server.stats().requests).toBe(1);
  });

  it('errors of the server arrive as they are', async () => {
    const { endpoint } = await startSprings();
    const client = await connect(endpoint);
    const error = await failure(client.evaluate({ numbers: Int32Array.of(1, 92), positions: new Float64Array(6) }));
    expect(error).toBeInstanceOf(MltsError);
    expect(error).toMatchObject({ code: 'E_SPECIES', atom: 1 });
    expect(await failure(client.evaluate(chain(1), { model: 'ani-9x' }))).toMatchObject({ code: 'E_MODEL_NOT_FOUND' });
    expect(await failure(client.evaluate(chain(1), { want: ['charges'] as never }))).toMatchObject({ code: 'E_USAGE' });
  });

  it('nobody at the endpoint: E_CONNECT in time', async () => {
    const start = performance.now();
    const error = await failure(Client.connect('tcp://127.0.0.1:1', { connectTimeout: 300 }));
    expect(error).toMatchObject({
      code: 'E_CONNECT',
      what: expect.stringMatching(/tcp:\/\/127.0.0.1:1/),
      remedy: expect.stringMatching(/mlts serve/),
    });
    expect(performance.now() - start).toBeLessThan(1500);
    expect(await failure(Client.connect('nonsense'))).toMatchObject({ code: 'E_ADDRESS' });
  });

  it('something else at the endpoint', async () => {
    const other = createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    expect((await failure(Client.connect(`tcp://127.0.0.1:${port}`, { connectTimeout: 500 }))).code).toMatch(
      /^E_(CONNECT|KEYS)$/,
    );
  });

  it('no answer: E_TIMEOUT, and the late one disturbs nobody', async () => {
    const { endpoint, springs } = await startSprings();
    const client = await connect(endpoint, { timeout: 200 });
    const { opened, open } = gate();
    springs.work = () => opened;
    expect(await failure(client.evaluate(chain(1)))).toMatchObject({
      code: 'E_TIMEOUT',
      what: expect.stringMatching(/within 0.2 s/),
    });
    open();
    expect(await client.evaluate(chain(2))).toMatchObject({ energy: 5 });
  });

  it('a server that stops: what it owed fails at once, what comes later finds the next server', async () => {
    const { endpoint, server, springs } = await startSprings({ limits: { stopTimeout: 0.1 } });
    const client = await connect(endpoint, { connectTimeout: 3000 });
    const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    const session = await client.open({ numbers: chain(3).numbers, pbc: [true, true, true], cell });
    await session.evaluate(chain(3).positions);
    springs.work = () => new Promise(() => undefined);
    const owed = failure(client.evaluate(chain(1)));
    await eventually(() => server.stats().queue.requests === 1, 'it waits');
    await server.stop();
    expect(await owed).toMatchObject({
      code: 'E_CONNECT',
      what: `${endpoint} closed the connection while it owed an answer`,
    });
    await startServer({ endpoints: [endpoint] });
    expect(await session.evaluate(chain(3).positions)).toMatchObject({ energy: 14 });
    expect(await client.evaluate(chain(2))).toMatchObject({ energy: 5 });
  });

  it('a server that stays away: E_CONNECT', async () => {
    const { endpoint, server } = await startServer();
    const client = await connect(endpoint, { connectTimeout: 300 });
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await failure(client.evaluate(chain(1)))).toMatchObject({
      code: 'E_CONNECT',
      what: expect.stringMatching(/no mlts server answers/),
    });
  });

  it('another model under the same name: E_HASH', async () => {
    const { endpoint, server } = await startServer();
    const client = await connect(endpoint);
    const session = await client.open({ numbers: chain(1).numbers, model: 'springs' });
    await server.stop();
    const changed = new Springs();
    Object.assign(changed, { model: { ...changed.model, sha256: 'f'.repeat(64) } });
    await startServer({ endpoints: [endpoint], potentials: [changed] });
    expect(await failure(client.evaluate(chain(1), { model: 'springs' }))).toMatchObject({ code: 'E_HASH' });
    expect(await failure(client.evaluate(chain(1)))).toMatchObject({ code: 'E_HASH' });
    expect(await failure(session.evaluate(chain(1).positions))).toMatchObject({ code: 'E_HASH' });
  });
});
