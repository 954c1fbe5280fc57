/** Every format against the library that its files are known by: h5py, NumPy, ASE. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../../src/dataset/dataset.ts';
import { writeDataset } from '../../../src/dataset/write/write.ts';
import { HARTREE, KCAL_PER_MOL } from '../../../src/units.ts';
import { readAll, shakenWaters, store } from '../../support/labelled-sets.ts';
import { python } from '../../support/python.ts';

const folder = mkdtempSync(join(tmpdir(), 'mlts-formats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);
const nothing = () => undefined;

const [A, B] = [0.1 + 0.2, 1 / 3];
const periodic: Frame = {
  numbers: Int32Array.of(13, 13),
  positions: Float64Array.of(0, A, B, 2, 2, -2e-17),
  cell: Float64Array.of(4, 0, 0, A, 4, 0, 0, B, 4),
  pbc: [true, true, false],
  energy: -Math.PI,
  forces: Float64Array.of(A, B, 1e-300, -A, -B, 0),
  virial: Float64Array.from({ length: 9 }, (_, i) => i / 7),
  charges: Float64Array.of(A, -A),
  dipole: Float64Array.of(1 / 3, 0, -1e20),
  level: 'PBE "hard"',
  group: 'crystal 1',
};
const molecule: Frame = { ...shakenWaters(1)[0], pbc: [false, false, false] };
const full = (frame: Frame): Frame => ({
  ...periodic,
  ...frame,
  charges: new Float64Array(frame.numbers.length).fill(B),
});

describe('what is exported and imported is the same to the last bit', () => {
  it('extended XYZ', async () => {
    const given = [periodic, molecule, { ...molecule, group: 'a b', energy: A }];
    await writeDataset(path('all.extxyz'), store(path('xyz.mltsdata'), given), nothing);
    expect((await readAll(path('all.extxyz'))).frames).toStrictEqual(given);
  });

  it('HDF5: frames of one kind together', async () => {
    const given = [periodic, molecule, { ...periodic, energy: A }, { ...molecule, group: 'g' }];
    await writeDataset(path('all.h5'), store(path('h5.mltsdata'), given), nothing);
    expect((await readAll(path('all.h5'))).frames).toStrictEqual([given[0], given[2], given[1], given[3]]);
    const seen = python<{ groups: number; energies: number[]; units: string }>(
      `import h5py\nf = h5py.File(given)\ng = f[list(f)[0]]\nresult = dict(groups=len(f), energies=list(g["energies"]), units=g["energies"].attrs["units"])`,
      path('all.h5'),
    );
    expect(seen).toEqual({ groups: 3, energies: [-Math.PI, A], units: 'eV' });
  });

  it('HDF5 of more frames than are written at once', async () => {
    const given = shakenWaters(1300);
    await writeDataset(path('many.h5'), store(path('many.mltsdata'), given), nothing);
    expect((await readAll(path('many.h5'))).frames).toStrictEqual(given);
  });

  it('npz: level and group have no place, rows are as long as the largest frame', async () => {
    const given = [periodic, full(molecule)];
    await writeDataset(path('all.npz'), store(path('npz.mltsdata'), given), nothing);
    const { frames } = await readAll(path('all.npz'));
    expect(frames).toStrictEqual(given.map(({ level: _, group: __, ...frame }) => frame));
    const seen = python<{ shape: number[]; species: number[][]; energy: number[] }>(
      'import numpy\na = numpy.load(given)\nresult = dict(shape=a["forces"].shape, species=a["species"].tolist(), energy=a["energy"].tolist())',
      path('all.npz'),
    );
    expect(seen).toEqual({
      shape: [2, 3, 3],
      species: [
        [13, 13, 0],
        [8, 1, 1],
      ],
      energy: [-Math.PI, molecule.energy],
    });
    const { forces: _, ...unlabelled } = full(molecule);
    await expect(
      writeDataset(path('no.npz'), store(path('no.mltsdata'), [periodic, unlabelled]), nothing),
    ).rejects.toThrow(/^E_USAGE: 1 of 2 frames have forces/);
  });

  it('refuses a name of no format', async () => {
    const set = store(path('x.mltsdata'), [molecule]);
    await expect(writeDataset(path('x.csv'), set, nothing)).rejects.toThrow(/^E_USAGE: .*x\.csv names no format/);
    await expect(writeDataset('/nowhere/x.h5', set, nothing)).rejects.toThrow(/^E_DISK/);
    await expect(writeDataset('/nowhere/x.npz', set, nothing)).rejects.toThrow(/^E_DISK/);
  });
});

const H5 = `
import h5py, numpy as np
f = h5py.File(given, "w")
rng = np.random.default_rng(1)
x = rng.normal(size=(3, 2, 3)).astype("f4")
s = np.array([b"O", b"H"])
`;
const reference = 'result = dict(x=x.astype("f8").reshape(3, -1).tolist())';

describe('HDF5 of the ANI family', () => {
  it('ANI-1x: labels by name, in Hartree, and NaN where they were not computed', async () => {
    const { x } = python<{ x: number[][] }>(
      `${H5}
g = f.create_group("H1O1")
g["atomic_numbers"] = np.array([8, 1], "u1")
g["coordinates"] = x
g["wb97x_dz.energy"] = np.array([-75.0, -75.1, np.nan])
g["wb97x_dz.forces"] = np.array([np.ones((2, 3)), np.full((2, 3), np.nan), np.full((2, 3), np.nan)], "f4")
g["wb97x_dz.cm5_charges"] = np.zeros((3, 2))
g["ccsd(t)_cbs.energy"] = np.array([np.nan, -75.2, np.nan])
${reference}`,
      path('ani1x.h5'),
    );
    const { frames, account } = await readAll(path('ani1x.h5'));
    expect(frames).toHaveLength(2);
    expect([...frames[0].positions]).toEqual(x[0]);
    expect([...frames[0].numbers]).toEqual([8, 1]);
    expect(frames.map(({ energy }) => energy)).toEqual([-75 * HARTREE, -75.1 * HARTREE]);
    expect(frames[0].forces).toEqual(new Float64Array(6).fill(HARTREE));
    expect(frames[1].forces).toBeUndefined();
    expect(frames[0].charges).toEqual(new Float64Array(2));
    expect(frames[0]).toMatchObject({ level: 'wB97X/6-31G*', group: '/H1O1' });
    expect([...account.excluded]).toEqual([
      ['no labels of wb97x_dz', { count: 1, example: `${path('ani1x.h5')}:/H1O1, row 2` }],
    ]);
    const cc = await readAll(path('ani1x.h5'), { labels: 'ccsd(t)_cbs' });
    expect(cc.frames).toMatchObject([{ energy: -75.2 * HARTREE, level: 'CCSD(T)*/CBS' }]);
    expect([...cc.account.excluded.values()]).toMatchObject([{ count: 2 }]);
    await expect(readAll(path('ani1x.h5'), { labels: 'mp2_tz' })).rejects.toThrow(
      /^E_USAGE: .*ccsd\(t\)_cbs, wb97x_dz/,
    );
  });

  it('ANI-1: groups in groups, symbols; conformers of high energy are counted', async () => {
    python(
      `${H5}
g = f.create_group("gdb11_s01/gdb11_s01-0")
g["species"], g["coordinates"], g["energies"] = s, x, np.array([-75.0, -75.1, -75.2])
g["coordinatesHE"], g["energiesHE"], g["smiles"] = x[:2], np.zeros(2), np.array([b"[", b"O", b"]"])
result = None`,
      path('ani1.h5'),
    );
    const { frames, account } = await readAll(path('ani1.h5'));
    expect(frames.map(({ energy }) => energy)).toEqual([-75, -75.1, -75.2].map((energy) => energy * HARTREE));
    expect([...frames[0].numbers]).toEqual([8, 1]);
    expect(frames[0].group).toBe('/gdb11_s01/gdb11_s01-0');
    expect([...account.excluded]).toMatchObject([['high-energy conformers (energiesHE)', { count: 2 }]]);
  });

  it('COMP6 and ANI-Al store the gradient as forces', async () => {
    for (const [name, make] of Object.entries({
      comp6:
        'g["lot"] = "wb97x/6-31g*"; g["energies"], g["forces"], g["cm5"] = e, np.ones((3, 2, 3)), np.zeros((3, 2))',
      al: 'g["Jnames"] = np.array([b"a"] * 3); g["energy"], g["force"], g["cell"] = e, np.ones((3, 2, 3)), np.array([9 * np.eye(3)] * 3)',
    })) {
      python(
        `${H5}\ne = np.array([-1.0, -2.0, -3.0])\ng = f.create_group("set/mol00")\ng["species"], g["coordinates"] = s, x\n${make}\nresult = None`,
        path(`${name}.h5`),
      );
      const { frames } = await readAll(path(`${name}.h5`));
      expect(frames[2].energy).toBe(-3 * HARTREE);
      expect(frames[0].forces).toEqual(new Float64Array(6).fill(-HARTREE));
      if (name === 'comp6') expect(frames[0].level).toBe('wb97x/6-31g*');
      else
        expect(frames[0]).toMatchObject({ pbc: [true, true, true], cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9) });
      const asIs = await readAll(path(`${name}.h5`), { gradient: false, energy: 'eV' });
      expect(asIs.frames[0]).toMatchObject({ forces: new Float64Array(6).fill(1), energy: -1 });
    }
  });

  it('refuses shapes that do not fit', async () => {
    python(`${H5}\nf["species"], f["coordinates"], f["energies"] = s, x, np.zeros(2)\nresult = None`, path('bad.h5'));
    await expect(readAll(path('bad.h5'))).rejects.toThrow(/^E_FILE: .*energies has the shape \[2\], not 3 rows of 1/);
    python(`${H5}\nf["coordinates"] = x\nresult = None`, path('bare.h5'));
    await expect(readAll(path('bare.h5'))).rejects.toThrow(/^E_FILE: .*no atomic numbers/);
  });
});

describe('NumPy arrays of hippynn', () => {
  const MAKE = `
import numpy as np, os
R = np.arange(18.0).reshape(2, 3, 3)
Z = np.array([[8, 1, 1], [1, 1, 0]], "i8")
T = np.array([[1.0], [2.0]], ">f4")
`;
  const expected = [
    { numbers: Int32Array.of(8, 1, 1), energy: KCAL_PER_MOL },
    { numbers: Int32Array.of(1, 1), positions: Float64Array.of(9, 10, 11, 12, 13, 14), energy: 2 * KCAL_PER_MOL },
  ];

  it('npz, compressed or not, and folders with a common beginning', async () => {
    python(
      `${MAKE}
np.savez(given + "/a.npz", R=R, Z=Z, T=T)
np.savez_compressed(given + "/b.npz", xyz=R, Z=Z, T=T)
os.mkdir(given + "/database")
for k, v in dict(R=R, Z=Z, T=T).items(): np.save(given + "/database/data-qm7_" + k + ".npy", v)
result = None`,
      folder,
    );
    for (const [file, names] of [
      ['a.npz', {}],
      ['b.npz', { positions: 'xyz' }],
      ['database', {}],
    ] as const) {
      const { frames } = await readAll(path(file), { energy: 'kcal/mol', names, level: 'L' });
      expect(frames).toMatchObject(expected.map((frame) => ({ ...frame, level: 'L' })));
    }
    await expect(readAll(path('b.npz'))).rejects.toThrow(/^E_FILE: .*b\.npz has xyz, Z, T, among which no positions/);
  });

  it('refuses what is no array of numbers', async () => {
    python(
      `${MAKE}\nnp.savez(given, R=np.asfortranarray(R), Z=Z)\nnp.savez(given[:-4] + "o.npz", R=R, Z=np.array([["O"] * 3] * 2))\nresult = None`,
      path('fortran.npz'),
    );
    await expect(readAll(path('fortran.npz'))).rejects.toThrow(/^E_FILE: .*order of Fortran/);
    await expect(readAll(path('fortrano.npz'))).rejects.toThrow(/^E_FILE: .*type is '<U1'/);
  });
});

it('databases of ASE: labels, stress as virial, key-value pairs', async () => {
  const given = python<{ x: number[]; e: number; f: number[]; cell: number[]; virial: number[] }>(
    `
import ase, ase.db, numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
rng = np.random.default_rng(2)
a = ase.Atoms("OH2", rng.normal(size=(3, 3)), cell=[[5, 0, 0], [1, 6, 0], [0, 0, 7]], pbc=[1, 0, 1])
stress = rng.normal(size=6)
a.calc = SinglePointCalculator(a, energy=-5.1, forces=rng.normal(size=(3, 3)), stress=stress, charges=np.ones(3), dipole=np.arange(3.0))
db = ase.db.connect(given)
db.write(a, level="PBE", group=7)
db.write(ase.Atoms("He"))
v = -a.get_volume() * a.get_stress(voigt=False)
result = dict(x=a.positions.ravel().tolist(), e=-5.1, f=a.get_forces().ravel().tolist(), cell=a.cell.array.ravel().tolist(), virial=v.ravel().tolist())`,
    path('set.db'),
  );
  const { frames } = await readAll(path('set.db'), { level: 'none' });
  const { virial, ...rest } = frames[0];
  expect(rest).toStrictEqual({
    numbers: Int32Array.of(8, 1, 1),
    positions: Float64Array.from(given.x),
    cell: Float64Array.from(given.cell),
    pbc: [true, false, true],
    energy: given.e,
    forces: Float64Array.from(given.f),
    charges: Float64Array.of(1, 1, 1),
    dipole: Float64Array.of(0, 1, 2),
    level: 'PBE',
    group: '7',
  });
  for (const [k, w] of given.virial.entries()) expect(virial![k]).toBeCloseTo(w, 9);
  expect(frames[1]).toStrictEqual({
    ...{ numbers: Int32Array.of(2), positions: new Float64Array(3), pbc: [false, false, false], level: 'none' },
  });
});
