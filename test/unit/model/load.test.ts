import { createHash } from 'node:crypto';
import { mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel, loadModelAndCard, modelFromBytes } from '../../../src/model/load.ts';
import { type Tensor, writeSafetensors } from '../../../src/model/safetensors.ts';
import { encodeModel, saveModel, writeWhole } from '../../../src/model/save.ts';
import { BOHR, KCAL_PER_MOL } from '../../../src/units.ts';
import { expectClose } from '../../support/close.ts';
import { expectError } from '../../support/expect-error.ts';
import { aniTestModel } from '../../support/models.ts';

const two = aniTestModel('test-two');

/** The file of a card and tensors that nobody checked. */
const unchecked = (card: unknown, tensors: ReadonlyMap<string, Tensor>) =>
  writeSafetensors({ mlts: JSON.stringify(card) }, tensors);

/** The tensors of test-two with one replaced or (undefined) removed. */
function replaced(name: string, tensor: Tensor | undefined): Map<string, Tensor> {
  const tensors = new Map(two.tensors);
  if (tensor === undefined) tensors.delete(name);
  else tensors.set(name, tensor);
  return tensors;
}

describe('loading', () => {
  it('gives the model and the SHA-256 of its file', async () => {
    const model = await loadModel(two.path());
    expect(model.sha256).toBe(
      createHash('sha256')
        .update(await readFile(two.path()))
        .digest('hex'),
    );
    expect(model).toMatchObject({
      name: 'test-two',
      architecture: 'ani',
      elements: [1, 8],
      members: 3,
      cutoff: 4.6,
      reach: 4.6,
      minDistance: 0.5,
    });
    const { networks } = two.model;
    expect(networks.map(({ layers }) => layers.map(({ inputs, outputs }) => [inputs, outputs]))).toEqual([
      [
        [59, 17],
        [17, 9],
        [9, 1],
      ],
      [
        [59, 11],
        [11, 1],
      ],
    ]);
    expect(networks[1].layers[0].weights).toEqual(two.tensors.get('O.0.weight')!.data);
    expect((await loadModelAndCard(two.path())).card).toEqual(two.card);
  });

  it('converts units once', () => {
    const { model, card } = aniTestModel('test-single');
    const { radial, angular } = card.descriptor;
    expectClose([model.cutoff, model.minDistance], [radial.cutoff * BOHR, card.min_distance * BOHR], 1e-14, 'lengths');
    expectClose(
      model.descriptor.angular.shifts,
      angular.shifts.map((shift) => shift * BOHR),
      1e-14,
      'shifts',
    );
    expectClose([model.descriptor.radial.eta * BOHR ** 2], [radial.eta], 1e-14, 'η');
    expect(model.descriptor.angular.zeta).toBe(angular.zeta);
    expect(Array.from(model.descriptor.angular.sections)).toEqual(angular.sections);
    expectClose([...model.selfEnergies, model.energyScale], [-310 * KCAL_PER_MOL, KCAL_PER_MOL], 1e-14, 'energies');
  });

  it('of a file that is not there is E_FILE', () =>
    expectError(() => loadModel('/nowhere/x.mlts'), 'E_FILE', '/nowhere/x.mlts'));

  it('of a folder is E_FILE', () => expectError(() => loadModel(tmpdir()), 'E_FILE'));

  it('of safetensors without a card is E_MODEL', () =>
    expectError(
      () => modelFromBytes(writeSafetensors({ format: 'pt' }, two.tensors), 'x'),
      'E_MODEL',
      '__metadata__.mlts',
    ));
});

describe('a card that lies about its tensors is E_MODEL', () => {
  const bias = two.tensors.get('O.1.bias')!;
  it.each<[string, Map<string, Tensor>, string[]]>([
    ['a missing tensor', replaced('O.1.bias', undefined), ['O.1.bias', 'missing', '[3,1]']],
    ['another shape', replaced('O.1.bias', { shape: [3], data: bias.data }), ['O.1.bias', '[3]', '[3,1]']],
    ['a tensor too many', replaced('C.0.weight', bias), ['C.0.weight']],
    [
      'a NaN',
      replaced('O.1.bias', { ...bias, data: Float32Array.of(1, Number.NaN, 2) }),
      ['O.1.bias', 'NaN', 'index 1'],
    ],
    [
      'an infinity',
      replaced('O.1.bias', { ...bias, data: Float32Array.of(1, 2, Number.NEGATIVE_INFINITY) }),
      ['-Infinity', 'index 2'],
    ],
  ])('%s', (_, tensors, parts) =>
    expectError(() => modelFromBytes(unchecked(two.card, tensors), 'x'), 'E_MODEL', ...parts),
  );

  it('other layers than there are', () => {
    const card = { ...two.card, layers: { ...two.card.layers, O: [12, 1] } };
    return expectError(
      () => modelFromBytes(unchecked(card, two.tensors), 'x'),
      'E_MODEL',
      'O.0.weight',
      '[3,11,59]',
      '[3,12,59]',
    );
  });
});

describe('saving', () => {
  it('makes the same file of the same model, whatever the order of keys', () => {
    const reversed = Object.fromEntries(Object.entries(two.card).reverse()) as unknown as typeof two.card;
    expect(encodeModel(reversed, new Map([...two.tensors].reverse()))).toEqual(two.bytes);
  });

  it('refuses what would not load again', () =>
    expectError(() => encodeModel(two.card, replaced('O.1.bias', undefined)), 'E_MODEL'));

  it('writes whole files', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'mlts-')), 'a.mlts');
    await saveModel(path, two.card, two.tensors);
    expect(new Uint8Array(await readFile(path))).toEqual(two.bytes);
  });

  it('into a folder that is not there is E_FILE', () =>
    expectError(() => writeWhole('/nowhere/x.mlts', two.bytes), 'E_FILE', '/nowhere/x.mlts'));

  it('on a full disk is E_DISK and leaves the old file', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'mlts-')), 'a.mlts');
    await writeFile(path, 'old');
    await symlink('/dev/full', `${path}.part`);
    await expectError(() => writeWhole(path, two.bytes), 'E_DISK', path);
    expect(await readFile(path, 'utf8')).toBe('old');
  });
});
