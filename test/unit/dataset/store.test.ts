import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Frame, structureHash } from '../../../src/dataset/dataset.ts';
import { DatasetWriter, StoredDataset } from '../../../src/dataset/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlts-dataset-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'set.mltsdata');

function write(frames: readonly Frame[]): void {
  const writer = new DatasetWriter(file);
  for (const frame of frames) writer.add(frame);
  writer.commit();
}

function withStore<T>(use: (store: StoredDataset) => T): T {
  const store = new StoredDataset(file);
  try {
    return use(store);
  } finally {
    store.close();
  }
}

const water = (shift: number): Frame => ({
  numbers: Int32Array.of(8, 1, 1),
  positions: Float64Array.of(shift, 0, 0, shift + 0.96, 0, 0, shift - 0.24, 0.93, 0),
  energy: -2078.5 + shift,
  forces: Float64Array.from({ length: 9 }, (_, i) => i / 7),
});

const reals = (length: number) =>
  fc
    .array(fc.double({ noDefaultInfinity: true }), { minLength: length, maxLength: length })
    .map((a) => Float64Array.from(a));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const anyFrame: fc.Arbitrary<Frame> = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc
    .record({
      numbers: fc
        .array(fc.integer({ min: 1, max: 118 }), { minLength: n, maxLength: n })
        .map((a) => Int32Array.from(a)),
      positions: reals(3 * n),
      cell: maybe(reals(9)),
      pbc: maybe(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean())),
      energy: maybe(fc.double()),
      forces: maybe(reals(3 * n)),
      virial: maybe(reals(9)),
      charges: maybe(reals(n)),
      dipole: maybe(reals(3)),
      level: maybe(fc.string({ unit: 'grapheme' })),
      group: maybe(fc.string({ unit: 'grapheme' })),
    })
    .map((frame) => Object.fromEntries(Object.entries(frame).filter(([, value]) => value !== undefined)) as never),
);

describe('a stored data set', () => {
  it('gives back any frames in any order, to the last bit', () => {
    const frames = fc.array(anyFrame, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 12 }), (given, picks) => {
        write(given);
        withStore((store) => {
          const indices = picks.map((pick) => pick % given.length);
          expect(store.length).toBe(given.length);
          expect(store.read(indices)).toStrictEqual(indices.map((i) => given[i]));
          for (const [i, frame] of given.entries()) {
            expect(store.natoms(i)).toBe(frame.numbers.length);
            expect(store.structure(i)).toBe(structureHash(frame).toString('hex'));
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has a hash of its content: the same of the same, another of another label or order', () => {
    const hashOf = (frames: readonly Frame[]) => {
      write(frames);
      return withStore(({ hash }) => hash);
    };
    const [a, b] = [water(0), water(1)];
    expect(hashOf([a, b])).toBe(hashOf([a, b]));
    expect(hashOf([b, a])).not.toBe(hashOf([a, b]));
    expect(hashOf([{ ...a, energy: -1 }, b])).not.toBe(hashOf([a, b]));
  });

  it('knows equal structures whatever their labels', () => {
    const { energy: _, ...unlabelled } = water(0);
    expect(structureHash(unlabelled)).toEqual(structureHash(water(0)));
    expect(structureHash(water(1e-9))).not.toEqual(structureHash(water(0)));
    const positions = Float32Array.from(water(0.1).positions);
    expect(structureHash({ ...water(0.1), positions: Float64Array.from(positions) })).toEqual(
      structureHash(water(0.1)),
    );
    const cell = Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9);
    const periodic = [
      structureHash(water(0)),
      structureHash({ ...water(0), cell, pbc: [true, true, true] }),
      structureHash({ ...water(0), cell, pbc: [true, true, false] }),
    ];
    expect(new Set(periodic.map((hash) => hash.toString('hex'))).size).toBe(3);
    expect(structureHash({ ...water(0), cell })).toEqual(structureHash(water(0)));
  });

  it('tells every flipped bit and every missing end', () => {
    write([water(0), water(1)]);
    const good = readFileSync(file);
    const readAll = () => withStore((store) => store.read([0, 1]));
    expect(readAll()).toHaveLength(2);
    for (let byte = 0; byte < good.length; byte++) {
      const bad = Buffer.from(good);
      bad[byte] ^= 1 << (byte % 8);
      writeFileSync(file, bad);
      expect(readAll, `byte ${byte}`).toThrow(/^(E_FILE|E_VERSION): .*set\.mltsdata/);
    }
    for (let size = 0; size < good.length; size += 5) {
      writeFileSync(file, good);
      truncateSync(file, size);
      expect(readAll, `${size} bytes`).toThrow(/^E_FILE: /);
    }
  });

  it('is not there before it is complete, and leaves an old one alone', () => {
    write([water(0)]);
    const other = join(folder, 'other.mltsdata');
    for (const name of [file, other]) {
      const writer = new DatasetWriter(name);
      writer.add(water(5));
      writer.discard();
    }
    expect(existsSync(other)).toBe(false);
    expect(withStore((store) => store.read([0])[0].energy)).toBe(-2078.5);
    expect(readdirSync(folder)).toEqual(['set.mltsdata']);
  });

  it('tells a full disk', () => {
    const writer = new DatasetWriter('/dev/full');
    writer.add(water(0));
    expect(() => writer.commit()).toThrow(/^E_DISK: .*no space left/);
  });

  it('refuses what is no frame, no data set and no index', () => {
    const writer = new DatasetWriter(file);
    expect(() => writer.add({ ...water(0), forces: new Float64Array(8) })).toThrow(
      /^E_SHAPE: forces has 8 values, not 9/,
    );
    expect(() => writer.add({ numbers: new Int32Array(), positions: new Float64Array() })).toThrow(/^E_EMPTY/);
    expect(() => writer.commit()).toThrow(/^E_EMPTY/);
    writer.discard();
    expect(() => new StoredDataset(join(folder, 'nowhere'))).toThrow(/^E_FILE: .*no such file/);
    write([water(0)]);
    withStore((store) => {
      for (const frame of [-1, 1, 0.5, Number.NaN]) expect(() => store.read([frame])).toThrow(/^E_USAGE: .*no frame/);
    });
  });
});
