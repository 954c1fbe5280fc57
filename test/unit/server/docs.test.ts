import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wireName } from '../../../src/protocol/names.ts';
import { parseConfig } from '../../../src/server/config.ts';
import { DEFAULT_HARVEST } from '../../../src/server/harvest.ts';
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts';

it('docs/serving.md shows every setting with its default', () => {
  const page = readFileSync(new URL('../../../docs/serving.md', import.meta.url), 'utf8');
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const config = parseConfig(yaml, 'docs/serving.md');
  expect(config.limits).toEqual(DEFAULT_LIMITS);
  expect(Object.keys(config).sort()).toEqual([
    'backend',
    'bind',
    'harvest',
    'keys',
    'limits',
    'log',
    'models',
    'threads',
  ]);
  expect(config.harvest).toEqual({ folder: '/data/doubt', ...DEFAULT_HARVEST });
  for (const name of Object.keys({ ...DEFAULT_LIMITS, ...DEFAULT_HARVEST })) expect(yaml).toContain(wireName(name));
});
