import { copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modelFromBytes } from '../../../src/model/load.ts';
import { importNeuroChem } from '../../../src/model/neurochem.ts';
import { encodeModel } from '../../../src/model/save.ts';
import { errorOf, expectError } from '../../support/expect-error.ts';
import { neurochemCopy, neurochemFolder } from '../../support/neurochem.ts';
import {
  NOT_RUN,
  type PublishedName,
  publishedFolder,
  publishedModel,
  publishedSources,
} from '../../support/published.ts';

const info = join(neurochemFolder, 'tiny.info');

async function fileOf(source: string): Promise<Uint8Array> {
  const { card, tensors } = await importNeuroChem(source, 'tiny');
  return encodeModel(card, tensors);
}

const networks = (folder: string, member = 0) => join(folder, 'tiny', `train${member}`, 'networks');

describe('import of a NeuroChem set', () => {
  it('takes everything from its files', async () => {
    const { card, tensors } = await importNeuroChem(info, 'my-model');
    expect(card).toMatchObject({
      name: 'my-model',
      elements: ['H', 'O'],
      members: 2,
      units: { energy: 'hartree', length: 'angstrom' },
      cutoff: 4.6,
      reach: 4.6,
      descriptor: {
        cutoff_function: 'cosine',
        radial: { cutoff: 4.6, eta: 9.3, shifts: [0.7, 2, 3.3] },
        angular: { cutoff: 3.1, eta: 6.1, zeta: 14.1, shifts: [0.7, 1.9], sections: [0.78539816, 2.3561945] },
      },
      activation: { name: 'celu', alpha: 0.1 },
      layers: { H: [5, 4, 1], O: [3, 1] },
      self_energies: { H: -0.5978583943827134, O: -75.19106774742086 },
      provenance: { source: 'NeuroChem' },
    });
    const raw = await readFile(join(networks(neurochemFolder, 1), 'ANN-H.nnf-l2.wparam'));
    const second = tensors.get('H.1.weight')!;
    expect(second.shape).toEqual([2, 4, 5]);
    expect(Array.from(second.data.subarray(20))).toEqual(Array.from({ length: 20 }, (_, i) => raw.readFloatLE(4 * i)));
  });

  it('is a pure function: info file, folder with and without it, another place, twice', async () => {
    const file = await fileOf(info);
    const copy = await neurochemCopy();
    for (const source of [info, join(copy, 'tiny.info'), join(copy, 'tiny'), `${join(copy, 'tiny')}/`]) {
      expect(await fileOf(source)).toEqual(file);
    }
    await rm(join(copy, 'tiny.info'));
    await rename(join(copy, 'tiny'), join(copy, 'other'));
    expect(await fileOf(join(copy, 'other'))).toEqual(file);
    await rename(join(copy, 'other'), join(copy, 'tiny'));
    await copyFile(info, join(copy, 'tiny', 'tiny.info'));
    await writeFile(join(copy, 'tiny', 'tiny.info'), 'tiny.params\nsae_linfit.dat\ntrain\n2\n\n');
    expect(await fileOf(join(copy, 'tiny'))).toEqual(file);
    expect(modelFromBytes(file, 'x').model.members).toBe(2);
  });
});

describe('a set that is not right', () => {
  const spoiled: [string, (folder: string) => Promise<unknown>, string[]][] = [
    [
      'a missing layer',
      (f) => rm(join(networks(f), 'ANN-H.nnf-l2.wparam')),
      ['train0/networks/ANN-H.nnf-l2.wparam', 'cannot be read'],
    ],
    ['a missing network', (f) => rm(join(networks(f, 1), 'ANN-O.nnf')), ['train1/networks/ANN-O.nnf']],
    ['a missing member', (f) => rename(join(f, 'tiny', 'train1'), join(f, 'tiny', 'train7')), ['train1']],
    ['missing parameters', (f) => rm(join(f, 'tiny', 'tiny.params')), ['tiny.params']],
    ['missing self energies', (f) => rm(join(f, 'tiny', 'sae_linfit.dat')), ['sae_linfit.dat']],
    [
      'a truncated layer',
      (f) => truncate(join(networks(f), 'ANN-O.nnf-l1.bparam'), 8),
      ['ANN-O.nnf-l1.bparam', '8 bytes', '12'],
    ],
    ['a layer too long', (f) => truncate(join(networks(f), 'ANN-O.nnf-l1.bparam'), 16), ['16 bytes', '12']],
    [
      'a NaN weight',
      (f) => writeFile(join(networks(f, 1), 'ANN-O.nnf-l2.bparam'), Buffer.of(0, 0, 0xc0, 0x7f)),
      ['train1', 'ANN-O.nnf-l2.bparam', 'NaN'],
    ],
    ['an .info of three lines', (f) => writeFile(join(f, 'tiny.info'), 'a\nb\nc\n'), ['tiny.info', 'four lines']],
    [
      'no members',
      (f) => writeFile(join(f, 'tiny.info'), 'tiny/tiny.params\ntiny/sae_linfit.dat\ntiny/train\n0\n'),
      ['number of members'],
    ],
    ['an unknown element', (f) => edit(f, 'tiny.params', '[H,O]', '[H,Q]'), []],
    ['a missing key', (f) => edit(f, 'tiny.params', 'ShfA', 'SHFA'), ['ShfA is missing']],
    ['a list that is none', (f) => edit(f, 'tiny.params', '[7.8539816e-01,2.3561945e+00]', '0.78'), ['ShfZ', 'list']],
    ['a number that is none', (f) => edit(f, 'tiny.params', '4.6000e+00', 'far'), ['Rcr', 'far']],
    ['two etas', (f) => edit(f, 'tiny.params', '[9.3000000e+00]', '[9.3,4.0]'), ['EtaR', '2 values']],
    [
      'a self energy that is missing',
      (f) => edit(f, 'sae_linfit.dat', 'O,1=-75.19106774742086', ''),
      ['self energy of O'],
    ],
    ['a self energy of another order', (f) => edit(f, 'sae_linfit.dat', 'O,1', 'O,0'), ['O has index 0']],
    [
      'a self energy that is no number',
      (f) => edit(f, 'sae_linfit.dat', '-75.19106774742086', 'nan'),
      ['SYMBOL,INDEX=ENERGY'],
    ],
    ['a Gaussian network', broken('gaussian'), ['ANN-H.nnf', 'activation is 5', 'CELU']],
    ['an output that is not linear', broken('nonlinear-output'), ['activation is 9', 'identity']],
    ['another descriptor length', broken('inputs'), ['blocksize is 19', '18']],
    ['the network of another element', broken('element'), ['element O', 'H']],
    ['layers that do not fit', broken('sizes'), ['layer 2', 'weights']],
    ['a parameter file elsewhere', broken('path'), ['FILE:']],
    ['a damaged bzip2 stream', broken('damaged'), ['bzip2']],
    ['another length of text', broken('length'), ['bytes that it names']],
    ['no layers', broken('empty'), ['no layer']],
    [
      'a network that is no container',
      (f) => writeFile(join(networks(f), 'ANN-H.nnf'), 'inputsize=18;'),
      ['size of its text'],
    ],
  ];
  it.each(spoiled)('for %s is E_MODEL that names the file', async (_, spoil, parts) => {
    const folder = await neurochemCopy();
    await spoil(folder);
    const fault = await errorOf(() => importNeuroChem(join(folder, 'tiny.info'), 'tiny'), 'E_MODEL', ...parts);
    expect(fault.what).toContain(folder);
  });

  it('for members of unequal layers is E_MODEL', async () => {
    const folder = await neurochemCopy();
    await copyFile(join(networks(folder), 'ANN-O.nnf'), join(networks(folder, 1), 'ANN-H.nnf'));
    await expectError(() => importNeuroChem(join(folder, 'tiny.info'), 'tiny'), 'E_MODEL', 'train1/networks/ANN-H.nnf');
  });

  it('for a source that is not there is E_FILE', () =>
    expectError(() => importNeuroChem('/nowhere/x.info', 'x'), 'E_FILE', '/nowhere/x.info'));

  it('for a folder with nothing of it is E_MODEL', () =>
    expectError(() => importNeuroChem(networks(neurochemFolder), 'x'), 'E_MODEL', '.info'));
});

describe('published sets', () => {
  if (publishedFolder === undefined) return void it.skip(NOT_RUN, () => undefined);
  it.each(Object.keys(publishedSources) as PublishedName[])('%s is known by its weights', async (name) => {
    const { card, model } = await publishedModel(name);
    expect(model.members).toBe(8);
    expect(card.provenance).toMatchObject({
      source: expect.stringContaining('NeuroChem'),
      level_of_theory: expect.any(String),
    });
    expect(card.citation).toMatch(/^doi:10\./);
    expect(card.licence).toMatch(name === 'ani-al' || name === 'ani-1xnr' ? /^none stated/ : /^MIT$/);
  });
});

async function edit(folder: string, file: string, from: string, to: string): Promise<void> {
  const path = join(folder, 'tiny', file);
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

function broken(name: string): (folder: string) => Promise<void> {
  return (folder) => copyFile(join(folder, 'broken', `${name}.nnf`), join(networks(folder), 'ANN-H.nnf'));
}
