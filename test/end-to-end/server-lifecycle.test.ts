/** Starting, stopping, and what dies in between. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OpenReply } from '../../src/protocol/messages.ts';
import { Server } from '../../src/server/server.ts';
import { Bare, chain, eventually, gate, startServer, startSprings, temporaryFolder } from '../support/servers.ts';
import { Springs } from '../support/springs.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('endpoints', () => {
  it('may be several on one server', async () => {
    const path = join(temporaryFolder(), 'socket');
    const { server, springs } = await startSprings({
      endpoints: ['tcp://127.0.0.1:*', `ipc://${path}`, 'tcp://127.0.0.1:*'],
    });
    expect(server.endpoints).toHaveLength(3);
    expect(new Set(server.endpoints).size).toBe(3);
    for (const endpoint of server.endpoints) {
      expect(await new Bare(endpoint).ask({ type: 'evaluate', id: 1, ...chain(1) })).toMatchObject({ id: 1 });
    }
    expect(springs.calls).toHaveLength(3);
    expect(server.stats().clients).toBe(3);
  });

  it('of tcp that another program holds are refused', async () => {
    const { endpoint } = await startServer();
    const second = Server.start({ potentials: [new Springs()], endpoints: ['tcp://127.0.0.1:*', endpoint] });
    await expect(second).rejects.toThrow(`E_ADDRESS: ${endpoint} is taken`);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const third = Server.start({ potentials: [new Springs()], endpoints: [`tcp://127.0.0.1:${port}`] });
    await expect(third).rejects.toThrow(/^E_ADDRESS: .*is taken/);
    expect(await new Bare(endpoint).ask({ type: 'ping', id: 1 })).toMatchObject({ id: 1 });
  });

  it('of ipc that another server holds are refused, and stay with that server', async () => {
    const endpoint = `ipc://${join(temporaryFolder(), 'socket')}`;
    await startServer({ endpoints: [endpoint], name: 'first' });
    await expect(Server.start({ potentials: [new Springs()], endpoints: [endpoint] })).rejects.toThrow(
      `E_ADDRESS: ${endpoint} is taken`,
    );
    expect(await new Bare(endpoint).ask({ type: 'hello', id: 1, version: 1 })).toMatchObject({ server: 'first' });
  });

  it('of ipc whose server was killed are taken over', async () => {
    const path = join(temporaryFolder(), 'socket');
    const code = `import('zeromq').then(async ({ Router }) => { const r = new Router(); await r.bind('ipc://${path}'); console.log('bound'); setInterval(() => r.closed, 1e6); })`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'], cwd: process.cwd() });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await expect(Server.start({ potentials: [new Springs()], endpoints: [`ipc://${path}`] })).rejects.toThrow(
      /is taken/,
    );
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(existsSync(path)).toBe(true);
    const { endpoint } = await startServer({ endpoints: [`ipc://${path}`] });
    expect(await new Bare(endpoint).ask({ type: 'ping', id: 1 })).toMatchObject({ id: 1 });
  });

  it("of ipc never cost a user's file", async () => {
    const path = join(temporaryFolder(), 'thesis.txt');
    writeFileSync(path, 'years of work');
    await expect(Server.start({ potentials: [new Springs()], endpoints: [`ipc://${path}`] })).rejects.toThrow(
      /^E_ADDRESS: .*is not a socket/,
    );
    expect(readFileSync(path, 'utf8')).toBe('years of work');
  });

  it.each([['ipc:///nowhere/at/all'], ['tcp://203.0.113.7:5588']])(
    'that cannot be had are said: %s',
    async (endpoint) => {
      // 203.0.113.0/24 is nobody's (RFC 5737); keys come first for any address that is not local.
      await expect(Server.start({ potentials: [new Springs()], endpoints: [endpoint] })).rejects.toThrow(
        /^E_(ADDRESS|KEYS): /,
      );
    },
  );
});

describe('stopping', () => {
  it('finishes what was accepted, refuses what comes later, and sends every reply', async () => {
    const { endpoint, server, springs } = await startSprings();
    const { opened, open } = gate();
    springs.work = () => opened;
    const clients = Array.from({ length: 4 }, () => new Bare(endpoint));
    for (const client of clients)
      for (const id of [1, 2, 3]) await client.send({ type: 'evaluate', id, ...chain(500) });
    await eventually(() => server.stats().queue.requests === 12, 'twelve requests wait');
    const stopped = server.stop();
    const late = new Bare(endpoint);
    expect(await late.ask({ type: 'evaluate', id: 9, ...chain(1) })).toMatchObject({ id: 9, code: 'E_SHUTDOWN' });
    expect(await late.ask({ type: 'open', id: 9, numbers: Int32Array.of(1) })).toMatchObject({ code: 'E_SHUTDOWN' });
    expect(await late.ask({ type: 'ping', id: 9 })).toMatchObject({ type: 'ping' });
    open();
    await stopped;
    for (const client of clients)
      for (const id of [1, 2, 3]) expect(await client.receive()).toMatchObject({ id, natoms: 500 });
    expect(server.stop()).toBe(server.stop());
  });

  it('gives up at its deadline what the backend does not finish', async () => {
    const { endpoint, server, springs } = await startSprings({ limits: { stopTimeout: 0.2 } });
    springs.work = () => new Promise(() => undefined);
    const bare = new Bare(endpoint);
    await bare.send({ type: 'evaluate', id: 1, ...chain(1) });
    await bare.send({ type: 'evaluate', id: 2, ...chain(1), precision: 'double' });
    await eventually(() => server.stats().queue.requests === 2, 'both wait');
    const start = performance.now();
    await server.stop();
    expect(performance.now() - start).toBeLessThan(2000);
    expect(await bare.receive()).toMatchObject({ id: 2, code: 'E_SHUTDOWN' });
  });

  it('frees its endpoints for the next server', async () => {
    const { endpoint, server } = await startServer();
    await server.stop();
    await startServer({ endpoints: [endpoint], name: 'next' });
    expect(await new Bare(endpoint).ask({ type: 'hello', id: 1, version: 1 })).toMatchObject({ server: 'next' });
  });
});

describe('clients that die', () => {
  it('with kill -9 at any moment, twenty of them, harm nobody', async () => {
    const { endpoint, server, springs } = await startSprings({ limits: { idleRelease: 0.5, idleClose: 1 } });
    springs.work = () => pause(2);
    const script = fileURLToPath(new URL('../support/victim.mjs', import.meta.url));
    const witness = new Bare(endpoint);
    const { session } = await witness.ask<OpenReply>({ type: 'open', id: 0, numbers: chain(5).numbers });
    let isOver = false;
    let steps = 0;
    const witnessing = (async () => {
      for (; !isOver; steps++) {
        const reply = await witness.ask({ type: 'evaluate', id: steps, session, positions: chain(5).positions });
        expect(reply).toMatchObject({ id: steps, natoms: 5, energy: 55 });
      }
    })();
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 4 }, async (_, index) => {
          const child = spawn(process.execPath, [script, endpoint, String(10 ** (index + 1) / 2)], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          await new Promise((resolve) => child.stdout.once('data', resolve));
          await pause(30 * Math.random());
          child.kill('SIGKILL');
          await new Promise((resolve) => child.once('exit', resolve));
        }),
      );
    }
    await pause(200);
    isOver = true;
    await witnessing;
    expect(steps).toBeGreaterThan(50);
    await eventually(() => server.stats().sessions <= 1 && server.stats().clients <= 1, 'the dead are forgotten');
    expect(server.stats().queue).toEqual({ requests: 0, atoms: 0 });
    expect(springs.trajectories).toBeLessThanOrEqual(1);
  });

  it('or read nothing for long do not hold up others, and cost a bounded memory', async () => {
    const { endpoint, server } = await startSprings({ limits: { maxBytes: 2 ** 20 } });
    const deaf = new Bare(endpoint, { receiveHighWaterMark: 1 });
    const lively = new Bare(endpoint);
    const before = process.memoryUsage().rss;
    // 120 kB a reply.
    for (let id = 0; id < 2000; id++) {
      await deaf.send({ type: 'evaluate', id, ...chain(3000) });
      if (id % 20 === 0) expect(await lively.ask({ type: 'ping', id })).toMatchObject({ id });
    }
    expect(await lively.ask({ type: 'evaluate', id: 1, ...chain(3) })).toMatchObject({ natoms: 3 });
    await eventually(() => server.stats().queue.requests === 0, 'nothing waits');
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 27);
  });

  it('but a client that reads late gets every reply, in order', async () => {
    const { endpoint } = await startSprings({ limits: { maxClientQueue: 500 } });
    const slow = new Bare(endpoint, { receiveHighWaterMark: 1 });
    for (let id = 0; id < 400; id++) await slow.send({ type: 'evaluate', id, ...chain(1000) });
    await pause(500);
    for (let id = 0; id < 400; id++) expect(await slow.receive()).toMatchObject({ id, natoms: 1000 });
  });
});
