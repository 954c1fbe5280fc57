/** Files that are damaged or hostile end in an error that names them, and in nothing else. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeDataset } from '../../src/dataset/write/write.ts';
import { MltsError } from '../../src/errors.ts';
import { readAll, shakenWaters, store } from '../support/labelled-sets.ts';
import { python } from '../support/python.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlts-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);
const NAMES = ['whole.h5', 'whole.npz', 'packed.npz', 'whole.extxyz', 'whole.db', 'whole.mltsdata'];

beforeAll(async () => {
  const set = store(path('whole.mltsdata'), shakenWaters(12));
  for (const name of ['whole.h5', 'whole.npz', 'whole.extxyz']) await writeDataset(path(name), set, () => undefined);
  python(
    `
import ase.db, ase.io, numpy, warnings
numpy.savez_compressed(given + "/packed.npz", **numpy.load(given + "/whole.npz"))
with ase.db.connect(given + "/whole.db") as db:
    for a in ase.io.read(given + "/whole.extxyz", ":"): db.write(a)
result = None`,
    folder,
  );
});

async function outcome(file: string): Promise<string> {
  try {
    await readAll(file);
    return 'read';
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    expect(error.what).toContain(file);
    return error.code;
  }
}

it.each(NAMES)('%s: whole it is read; with changed or missing bytes it is read or refused', async (name) => {
  const good = readFileSync(path(name));
  expect(await outcome(path(name))).toBe('read');
  const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
  // Changes gather at the start, where formats say what follows.
  const early = fc.record({ at: fc.nat(Math.min(good.length, 2048) - 1), byte: fc.nat(255) });
  const damage = fc.record({
    changes: fc.array(fc.oneof(change, early), { maxLength: 6 }),
    size: fc.option(fc.nat(good.length), { nil: good.length }),
  });
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(damage, async ({ changes, size }) => {
      const bad = Buffer.from(good);
      for (const { at, byte } of changes) bad[at] = byte;
      const file = path(`bad-${name}`);
      writeFileSync(file, bad.subarray(0, size));
      seen.add(await outcome(file));
    }),
    { numRuns: 150 },
  );
  expect(['E_FILE', 'E_USAGE', 'E_VERSION', 'read']).toEqual(expect.arrayContaining([...seen]));
  expect(seen).toContain('E_FILE');
});
