import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nearest } from '../../../src/model/nearest.ts';
import { findModel, listModels, modelFolders, registeredModels, userModelFolder } from '../../../src/model/registry.ts';
import { errorOf, expectError } from '../../support/expect-error.ts';
import { testModel } from '../../support/models.ts';

let first: string;
let second: string;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), 'mlts-'));
  first = join(root, 'first');
  second = join(root, 'second');
  await mkdir(first);
  await mkdir(second);
  await cp(testModel('test-two').path(), join(first, 'water.mlts'));
  await cp(testModel('test-al').path(), join(second, 'water.mlts'));
  await cp(testModel('test-al').path(), join(second, 'metal.mlts'));
  await writeFile(join(second, 'broken.mlts'), 'no model');
  await writeFile(join(second, 'notes.txt'), 'no model');
});

describe('model folders', () => {
  it('are ./models, $MLTS_MODELS, the per-user folder, the package', () => {
    const folders = modelFolders({ MLTS_MODELS: '/a::/b', XDG_DATA_HOME: '/data' });
    expect(folders.slice(0, 4)).toEqual([resolve('models'), '/a', '/b', '/data/mlts/models']);
    expect(basename(folders.at(-1)!)).toBe('models');
    expect(new Set(folders).size).toBe(folders.length);
  });

  it('without XDG_DATA_HOME are in the home folder', () => {
    expect(userModelFolder({})).toMatch(/\/\.local\/share\/mlts\/models$/);
  });

  it('that are not there are passed over', async () => expect(await registeredModels(['/nowhere'])).toEqual([]));
});

describe('a name', () => {
  it('means the file of the folder that is searched first', async () => {
    expect(await findModel('water', [first, second])).toBe(join(first, 'water.mlts'));
    expect(await findModel('water', [second, first])).toBe(join(second, 'water.mlts'));
    expect(await findModel('metal', [first, second])).toBe(join(second, 'metal.mlts'));
  });

  it('that is a path is that path', async () => {
    for (const path of ['x.mlts', './x', '/a/b.mlts', 'a/b']) expect(await findModel(path, [first])).toBe(path);
  });

  it('that is not there is E_MODEL_NOT_FOUND with what there is and the nearest name', async () => {
    const fault = await errorOf(
      () => findModel('watre', [first, second]),
      'E_MODEL_NOT_FOUND',
      'watre',
      'water',
      'metal',
      first,
    );
    expect(fault.remedy).toContain('water');
    await expectError(
      () => findModel('something-else', [dirname('/nowhere/x')]),
      'E_MODEL_NOT_FOUND',
      'there are none',
    );
  });
});

it('the list has hashes, shadowed files and files that are not valid', async () => {
  const list = await listModels([first, second]);
  expect(list.map(({ name, shadowed }) => [name, shadowed])).toEqual([
    ['water', false],
    ['broken', false],
    ['metal', false],
    ['water', true],
  ]);
  expect(list.map((entry) => ('model' in entry ? entry.model.sha256 : entry.error.code))).toEqual([
    testModel('test-two').model.sha256,
    'E_MODEL',
    testModel('test-al').model.sha256,
    testModel('test-al').model.sha256,
  ]);
});

describe('the nearest name', () => {
  it.each([
    ['ani2x', 'ani-2x'],
    ['ANI-2X', 'ani-2x'],
    ['ani-1cc', 'ani-1ccx'],
    ['metal', undefined],
    ['', undefined],
  ])('of %j is %j', (wanted, found) => expect(nearest(wanted, ['ani-1x', 'ani-1ccx', 'ani-2x'])).toBe(found));
});
