/** CURVE: who is let in, who gets nothing, over real sockets. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Context, curveKeyPair } from 'zeromq';
import { Client } from '../../src/client/client.ts';
import type { MltsError } from '../../src/errors.ts';
import { parseEndpoint } from '../../src/server/endpoint.ts';
import { allow, generateKeyFile } from '../../src/server/keyring.ts';
import { Listener } from '../../src/server/listener.ts';
import { Server } from '../../src/server/server.ts';
import { Bare, chain, startSprings, temporaryFolder } from '../support/servers.ts';
import { Springs } from '../support/springs.ts';

/** A server that is open to other machines, and so to this one under its other address. */
async function guarded() {
  const folder = temporaryFolder();
  const keys = { server: join(folder, 'server.json'), allowed: join(folder, 'allowed') };
  const { public: serverKey } = await generateKeyFile(keys.server);
  const friend = { ...curve(), server: serverKey };
  await allow(keys.allowed, friend.public, 'friend');
  const started = await startSprings({ endpoints: ['tcp://0.0.0.0:*', 'tcp://127.0.0.1:*'], keys });
  const [open, loopback] = started.server.endpoints;
  return { ...started, keys, serverKey, friend, folder, open: open.replace('0.0.0.0', '127.0.0.1'), loopback };
}

const curve = () => {
  const { publicKey, secretKey } = curveKeyPair();
  return { public: publicKey, secret: secretKey };
};
const failure = (promise: Promise<unknown>): Promise<MltsError> =>
  promise.then(
    () => expect.unreachable('it was let in'),
    (error) => error,
  );
const quick = { connectTimeout: 500, timeout: 500 };

describe('a server that other machines reach', () => {
  it('does not start without keys', async () => {
    const start = (endpoint: string, keys?: { server: string; allowed: string }) =>
      Server.start({ potentials: [new Springs()], endpoints: [endpoint], ...(keys ? { keys } : {}) });
    await expect(start('tcp://0.0.0.0:*')).rejects.toThrow(
      /^E_KEYS: .*the server has no keys\. Run `mlts keys generate`/,
    );
    await expect(start('tcp://*:*', { server: '/nowhere/server.json', allowed: '/nowhere/allowed' })).rejects.toThrow(
      /^E_KEYS: tcp:.* is open to other machines, which takes keys: no key file/,
    );
    const file = join(temporaryFolder(), 'server.json');
    writeFileSync(file, '{"public": "x", "secret": "y"}');
    await expect(start('tcp://0.0.0.0:*', { server: file, allowed: '/nowhere' })).rejects.toThrow(
      /^E_KEYS: tcp:.*: 'public' of/,
    );
  });

  it('lets those on the list in', async () => {
    const { open, friend, folder } = await guarded();
    const client = await Client.connect(open, { keys: friend });
    expect(await client.evaluate(chain(2))).toMatchObject({ energy: 5 });
    client.close();
    const file = join(folder, 'me.json');
    writeFileSync(file, JSON.stringify(friend));
    const again = await Client.connect(open, { keys: file });
    expect(await again.ping()).toBeGreaterThan(0);
    again.close();
  });

  it('gives everyone else nothing', async () => {
    const { open, serverKey, server, friend } = await guarded();
    const stranger = { ...curve(), server: serverKey };
    expect(await failure(Client.connect(open, { ...quick, keys: stranger }))).toMatchObject({
      code: 'E_KEYS',
      what: expect.stringMatching(/refused/),
    });
    // No keys, keys for another server, a secret that does not belong to the public key.
    expect((await failure(Client.connect(open, quick))).code).toMatch(/^E_(KEYS|CONNECT)$/);
    expect(
      (await failure(Client.connect(open, { ...quick, keys: { ...friend, server: curve().public } }))).code,
    ).toMatch(/^E_(KEYS|CONNECT)$/);
    expect(
      (await failure(Client.connect(open, { ...quick, keys: { ...friend, secret: curve().secret } }))).code,
    ).toMatch(/^E_(KEYS|CONNECT)$/);
    for (const options of [
      {},
      { curveServerKey: serverKey, curvePublicKey: stranger.public, curveSecretKey: stranger.secret },
    ]) {
      const bare = new Bare(open, { ...options, receiveTimeout: 300 });
      await bare.send({ type: 'ping', id: 1 });
      await expect(bare.receive()).rejects.toThrow();
    }
    expect(server.stats().requests).toBe(0);
  });

  it('keeps loopback free of keys beside it', async () => {
    const { loopback } = await guarded();
    expect(await new Bare(loopback).ask({ type: 'evaluate', id: 1, ...chain(2) })).toMatchObject({ energy: 5 });
  });

  it('reads the list anew for each connection, and lets nobody in where it cannot', async () => {
    const { open, serverKey, keys } = await guarded();
    const late = { ...curve(), server: serverKey };
    expect((await failure(Client.connect(open, { ...quick, keys: late }))).code).toBe('E_KEYS');
    await allow(keys.allowed, late.public, 'late');
    const client = await Client.connect(open, { keys: late });
    client.close();
    writeFileSync(keys.allowed, 'rubbish\n');
    expect((await failure(Client.connect(open, { ...quick, keys: late }))).code).toBe('E_KEYS');
  });

  it('may stand twice in one process: each asks its own list', async () => {
    const [first, second] = [await guarded(), await guarded()];
    const client = await Client.connect(second.open, { keys: second.friend });
    expect(await client.ping()).toBeGreaterThan(0);
    client.close();
    const wrong = { ...first.friend, server: second.serverKey };
    expect((await failure(Client.connect(second.open, { ...quick, keys: wrong }))).code).toBe('E_KEYS');
  });

  it('lets nobody in where nobody answers for the list', async () => {
    const { publicKey, secretKey } = curveKeyPair();
    const context = new Context();
    const listener = await Listener.bind(parseEndpoint('tcp://0.0.0.0:*'), { context, secretKey, maxBytes: 1000 });
    onTestFinished(() => listener.close());
    const keys = { ...curve(), server: publicKey };
    const endpoint = listener.address.replace('0.0.0.0', '127.0.0.1');
    expect((await failure(Client.connect(endpoint, { ...quick, keys }))).code).toMatch(/^E_(KEYS|CONNECT)$/);
  });

  it('needs clients that know its key', async () => {
    const { open, friend } = await guarded();
    const { server, ...ownOnly } = friend;
    expect(server).toBeDefined();
    expect(await failure(Client.connect(open, { keys: ownOnly }))).toMatchObject({
      code: 'E_KEYS',
      what: expect.stringMatching(/lack 'server'/),
    });
    expect(await failure(Client.connect(open, { keys: '/nowhere/me.json' }))).toMatchObject({ code: 'E_KEYS' });
  });
});
