/** The golden vectors are what their script makes: neither edited nor left behind. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { vectorFolder } from '../../support/vectors.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const scripts = ['vectors.py', 'vectors_ani.py', 'vectors_hipnn.py', 'vectors_models.py'];

it.each(['potential', 'published'])('%s vectors were made by the scripts that are here', (folder) => {
  const hash = createHash('sha256');
  for (const script of scripts) hash.update(readFileSync(join(root, 'tools', script)));
  const madeBy = `tools/vectors.py@${hash.digest('hex').slice(0, 12)}`;
  const files = readdirSync(join(vectorFolder, '..', folder)).filter((file) => file.endsWith('.json'));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const vector = JSON.parse(readFileSync(join(vectorFolder, '..', folder, file), 'utf8'));
    expect(vector.madeBy, `${file}: run tools/vectors.py`).toBe(madeBy);
    expect(vector.schema).toBe(1);
  }
});
