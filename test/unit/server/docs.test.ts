import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wireName } from '../../../src/protocol/names.ts';
import { parseConfig } from '../../../src/server/config.ts';
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts';

it('docs/serving.md shows every setting with its default', () => {
  const page = readFileSync(new URL('../../../docs/serving.md', import.meta.url), 'utf8');
  const yaml = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const config = parseConfig(yaml, 'docs/serving.md');
  expect(config.limits).toEqual(DEFAULT_LIMITS);
  expect(Object.keys(config).sort()).toEqual(['backend', 'bind', 'keys', 'limits', 'log', 'models', 'threads']);
  for (const name of Object.keys(DEFAULT_LIMITS)) expect(yaml).toContain(wireName(name));
});
