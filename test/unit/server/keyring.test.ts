import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { allow, generateKeyFile, readAllowed, readKeyFile } from '../../../src/server/keyring.ts';
import { temporaryFolder } from '../../support/servers.ts';

describe('key files', () => {
  it('are for their owner alone, and never written over', async () => {
    const file = join(temporaryFolder(), 'deep', 'server.json');
    const keys = await generateKeyFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await readKeyFile(file)).toEqual(keys);
    await expect(generateKeyFile(file)).rejects.toThrow(/^E_KEYS: .*exists/);
    expect(await readKeyFile(file)).toEqual(keys);
  });

  it('of clients name the server they trust', async () => {
    const { publicKey } = curveKeyPair();
    const file = join(temporaryFolder(), 'client.json');
    await generateKeyFile(file, publicKey);
    expect((await readKeyFile(file)).server).toBe(publicKey);
  });

  it('that are missing or cannot be written are said', async () => {
    const folder = temporaryFolder();
    await expect(readKeyFile(join(folder, 'x.json'))).rejects.toThrow(/^E_KEYS: no key file/);
    writeFileSync(join(folder, 'file'), '');
    await expect(generateKeyFile(join(folder, 'file', 'x.json'))).rejects.toThrow(/^E_FILE: cannot write/);
  });
});

describe('the list of allowed clients', () => {
  it('holds each key once, with its name', async () => {
    const file = join(temporaryFolder(), 'allowed');
    const [a, b] = [curveKeyPair().publicKey, curveKeyPair().publicKey];
    expect(await readAllowed(file)).toEqual([]);
    expect(await allow(file, a, 'my laptop')).toBe(true);
    expect(await allow(file, a, 'again')).toBe(false);
    expect(await allow(file, b, '')).toBe(true);
    expect(await readAllowed(file)).toEqual([
      { key: a, name: 'my laptop' },
      { key: b, name: '' },
    ]);
    expect(readFileSync(file, 'utf8')).toBe(`${a} my laptop\n${b}\n`);
  });

  it('with a line that is no key lets nobody in by accident', async () => {
    const file = join(temporaryFolder(), 'allowed');
    await allow(file, curveKeyPair().publicKey, '');
    appendFileSync(file, '# a remark\n');
    await expect(readAllowed(file)).rejects.toThrow(/^E_KEYS: .*allowed:2 does not begin with a key/);
  });
});
