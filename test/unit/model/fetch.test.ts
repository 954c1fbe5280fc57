import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type PublishedFile,
  type PublishedSet,
  parseManifest,
  publishedNames,
  publishedSet,
} from '../../../src/model/catalogue.ts';
import { fetchModel, licenceNotice } from '../../../src/model/fetch.ts';
import { importNeuroChem } from '../../../src/model/neurochem.ts';
import { encodeModel } from '../../../src/model/save.ts';
import { errorOf, expectError } from '../../support/expect-error.ts';
import { type Fault, type FileServer, serveFolder } from '../../support/http.ts';
import { neurochemFolder } from '../../support/neurochem.ts';
import {
  NOT_RUN,
  type PublishedName,
  publishedFolder,
  publishedModel,
  publishedSources,
} from '../../support/published.ts';

/** The file that faults happen to: the largest of the set. */
const LARGE = 'tiny/train0/networks/ANN-H.nnf-l1.wparam';

let folder: string;
let path: string;
let servers: FileServer[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-'));
  path = join(folder, 'tiny.mlts');
  servers = [];
});
afterEach(() => Promise.all(servers.map((server) => server.close())));

async function serve(fault?: Fault, root = neurochemFolder): Promise<FileServer> {
  const server = await serveFolder(root, fault);
  servers.push(server);
  return server;
}

async function tinySet(url: string): Promise<PublishedSet> {
  const names = (await readdir(neurochemFolder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('broken'))
    .map((entry) => join(entry.parentPath, entry.name).slice(neurochemFolder.length));
  const files = names.map(async (name): Promise<PublishedFile> => {
    const bytes = await readFile(join(neurochemFolder, name));
    return { path: name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  return { name: 'tiny', url, info: 'tiny.info', licence: undefined, files: await Promise.all(files) };
}

async function expected(): Promise<Uint8Array> {
  const { card, tensors } = await importNeuroChem(join(neurochemFolder, 'tiny.info'), 'tiny');
  return encodeModel(card, tensors);
}

async function expectWhole(): Promise<void> {
  expect(new Uint8Array(await readFile(path))).toEqual(await expected());
  expect(await readdir(folder)).toEqual(['tiny.mlts']);
}

describe('fetching a published set', () => {
  it('gives the file that an import of the same bytes gives, and leaves nothing else', async () => {
    const server = await serve();
    expect(await fetchModel(await tinySet(server.url), { path })).toBe(path);
    await expectWhole();
    expect(server.requests.every(({ range }) => range === undefined)).toBe(true);
  });

  it('reports progress that never falls and ends with everything', async () => {
    const server = await serve(cutOnce);
    const set = await tinySet(server.url);
    const seen: number[] = [];
    await fetchModel(set, { path, onProgress: (have, total) => seen.push(have / total) });
    expect(seen.length).toBeGreaterThanOrEqual(set.files.length);
    for (const [k, fraction] of seen.entries()) expect(fraction).toBeGreaterThanOrEqual(seen[k - 1] ?? 0);
    expect(seen.at(-1)).toBe(1);
  });

  it('goes on where a connection was cut', async () => {
    const server = await serve(cutOnce);
    await fetchModel(await tinySet(server.url), { path });
    await expectWhole();
    expect(server.requests.filter((request) => request.path === LARGE)).toEqual([
      { path: LARGE, range: undefined },
      { path: LARGE, range: 'bytes=100-' },
    ]);
  });

  it('starts again where the server knows no ranges', async () => {
    const server = await serve((request, response, body) => {
      if (cutOnce(request, response, body)) return true;
      response.writeHead(200, { 'content-length': body.length }).end(body);
      return true;
    });
    await fetchModel(await tinySet(server.url), { path });
    await expectWhole();
  });

  it('goes on in a later call with what an earlier one left', async () => {
    const dead = await serve((request, response, body) => request.path === LARGE && cut(response, body));
    await expectError(async () => fetchModel(await tinySet(dead.url), { path }), 'E_CONNECT', LARGE);
    const server = await serve();
    await fetchModel(await tinySet(server.url), { path });
    await expectWhole();
    expect(server.requests).toContainEqual({ path: LARGE, range: 'bytes=100-' });
    expect(server.requests.length).toBeLessThan((await tinySet('')).files.length);
  });

  it('waits for a server that is busy, as long as that asks for', async () => {
    const server = await serve((request, response) => {
      if (request.path === LARGE && request.count < 3) response.writeHead(429, { 'retry-after': '1' }).end();
      return request.path === LARGE && request.count < 3;
    });
    const started = performance.now();
    await fetchModel(await tinySet(server.url), { path });
    expect(performance.now() - started).toBeGreaterThan(2000);
    await expectWhole();
  });

  it('from a server that stays busy is E_CONNECT with its answer', async () => {
    const server = await serve((request, response) => {
      if (request.path === LARGE) response.writeHead(503).end();
      return request.path === LARGE;
    });
    await expectError(async () => fetchModel(await tinySet(server.url), { path }), 'E_CONNECT', LARGE, '503');
  });

  it('of other bytes is E_CHECKSUM, and nothing of them is kept', async () => {
    const server = await serve((request, response, body) => {
      if (request.path !== LARGE) return false;
      response.writeHead(200).end(Buffer.from(body).fill(1, 5, 6));
      return true;
    });
    await expectError(async () => fetchModel(await tinySet(server.url), { path }), 'E_CHECKSUM', LARGE, 'SHA-256');
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    const rest = await readdir(dirname(join(`${path}.download`, LARGE)));
    expect(rest.filter((name) => name.startsWith('ANN-H.nnf-l1.wparam'))).toEqual([]);
  });

  it.each([
    ['longer', 7],
    ['shorter', -7],
  ])('of %s files is E_CHECKSUM', async (_, more) => {
    const server = await serve((request, response, body) => {
      if (request.path !== LARGE) return false;
      response.writeHead(200).end(more > 0 ? Buffer.concat([body, Buffer.alloc(more)]) : body.subarray(0, more));
      return true;
    });
    await expectError(async () => fetchModel(await tinySet(server.url), { path }), 'E_CHECKSUM', LARGE, 'bytes');
  });

  it('of a file that is gone is E_FILE with the address', async () => {
    const server = await serve((request, response) => {
      if (request.path === LARGE) response.writeHead(404).end();
      return request.path === LARGE;
    });
    await expectError(async () => fetchModel(await tinySet(server.url), { path }), 'E_FILE', LARGE, '404');
  });

  it('from nowhere is E_CONNECT', async () => {
    const server = await serveFolder(neurochemFolder);
    await server.close();
    await expectError(async () => fetchModel(await tinySet(server.url), { path }), 'E_CONNECT', server.url);
  });

  it('onto a full disk is E_DISK', async () => {
    const server = await serve();
    const part = join(`${path}.download`, `${LARGE}.part`);
    await mkdir(dirname(part), { recursive: true });
    await symlink('/dev/full', part);
    await expectError(async () => fetchModel(await tinySet(server.url), { path }), 'E_DISK', LARGE);
  });

  it('into a folder that cannot be is E_FILE', async () => {
    const server = await serve();
    await writeFile(join(folder, 'file'), '');
    await expectError(
      async () => fetchModel(await tinySet(server.url), { path: join(folder, 'file', 'x.mlts') }),
      'E_FILE',
    );
  });

  it('stops when it is cancelled', async () => {
    const stop = new AbortController();
    const server = await serve((request) => {
      if (request.path === LARGE) setTimeout(() => stop.abort(), 20);
      return request.path === LARGE;
    });
    await expectError(async () => fetchModel(await tinySet(server.url), { path, signal: stop.signal }), 'E_CANCELLED');
  });
});

describe('the catalogue', () => {
  it.each(publishedNames)('%s is pinned: a commit, and SHA-256 and size of every file', async (name) => {
    const set = await publishedSet(name);
    expect(set.url).toMatch(/^https:\/\/github\.com\/[\w-]+\/[\w-]+\/raw\/[0-9a-f]{8,40}\/\w+\/$/);
    expect(set.files.map((file) => file.path)).toContain(set.info);
    for (const { sha256, bytes, path } of set.files) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(0);
      expect(path).toMatch(/^[\w-]+(\/[\w.-]+)*(\.info)?$/);
    }
  });

  it('says what may be done with a set', async () => {
    expect(licenceNotice(await publishedSet('ani-2x'))).toContain('MIT');
    expect(licenceNotice(await publishedSet('ani-al'))).toContain('no licence');
    expect(licenceNotice(await publishedSet('ani-1xnr'))).toContain('no licence');
  });

  it('of another name is E_MODEL_NOT_FOUND with the nearest one', async () => {
    const fault = await errorOf(() => publishedSet('ani2x'), 'E_MODEL_NOT_FOUND', 'ani-1ccx');
    expect(fault.remedy).toContain('ani-2x');
  });

  it('reads manifests', () =>
    expect(parseManifest('ab 12 a/b.c\ncd 3 d\n')).toEqual([
      { sha256: 'ab', bytes: 12, path: 'a/b.c' },
      { sha256: 'cd', bytes: 3, path: 'd' },
    ]));
});

describe('published weights', () => {
  if (publishedFolder === undefined) return void it.skip(NOT_RUN, () => undefined);
  it.each(publishedNames)('%s: the manifest is that of the files', async (name) => {
    const { info, files } = await publishedSet(name);
    expect(info).toBe(publishedSources[name as PublishedName]);
    for (const file of files) {
      const bytes = await readFile(join(publishedFolder!, file.path));
      expect(bytes.length).toBe(file.bytes);
      expect(createHash('sha256').update(bytes).digest('hex'), file.path).toBe(file.sha256);
    }
  });

  it('ani-al comes out of its manifest as out of its folder', async () => {
    const server = await serve(undefined, publishedFolder);
    await fetchModel({ ...(await publishedSet('ani-al')), url: server.url }, { path });
    const { bytes } = await publishedModel('ani-al');
    expect(Buffer.compare(await readFile(path), bytes)).toBe(0);
  });
});

/** Ends the connection of the first request of LARGE after 100 bytes. */
const cutOnce: Fault = (request, response, body) =>
  request.path === LARGE && request.count === 1 && cut(response, body);

function cut(response: Parameters<Fault>[1], body: Buffer): true {
  response.writeHead(200, { 'content-length': body.length });
  response.write(body.subarray(0, 100), () => setTimeout(() => response.destroy(), 30));
  return true;
}
