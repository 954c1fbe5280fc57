import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = [
  'model',
  'protocol',
  'io',
  'engine',
  'client',
  'server',
  'dynamics',
  'analysis',
  'verify',
  'dataset',
  'training',
  'active',
  'setup',
  'cli',
];
/** What each folder may import; errors, units and elements are open to all. */
const ALLOWED: Record<string, string[]> = {
  model: [],
  protocol: [],
  io: [],
  engine: ['model'],
  client: ['protocol'],
  server: ['model', 'engine', 'protocol'],
  dynamics: ['model', 'engine', 'io'],
  analysis: ['model', 'engine', 'io', 'dynamics'],
  verify: ['model', 'engine', 'io', 'dynamics'],
  dataset: ['io'],
  training: ['model', 'engine', 'io', 'dynamics', 'analysis', 'dataset'],
  active: FOLDERS.filter((folder) => !['verify', 'setup', 'cli'].includes(folder)),
  setup: ['engine'],
  cli: FOLDERS,
};

it('the linter refuses every import against the layers, and no other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mlts-imports-'));
  try {
    const { vcs: _, $schema: __, ...config } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify(config));
    const refused: string[] = [];
    for (const from of FOLDERS) {
      mkdirSync(join(folder, 'src', from), { recursive: true });
      for (const to of FOLDERS) {
        writeFileSync(
          join(folder, `src/${from}/to-${to}.ts`),
          `import { x } from '../${to}/x.ts';\n\nexport const y = x;\n`,
        );
        if (from !== to && !ALLOWED[from].includes(to)) refused.push(`src/${from}/to-${to}.ts`);
      }
    }
    writeFileSync(join(folder, 'src/units.ts'), "import { x } from './engine/x.ts';\n\nexport const y = x;\n");
    writeFileSync(
      join(folder, 'src/protocol/disk.ts'),
      "import { readFileSync } from 'node:fs';\n\nexport const y = readFileSync;\n",
    );
    refused.push('src/units.ts', 'src/protocol/disk.ts');

    const { stdout } = spawnSync(
      join(ROOT, 'node_modules/.bin/biome'),
      ['lint', '--reporter=json', '--max-diagnostics=none', '.'],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: string } }[] };
    const found = diagnostics
      .filter(({ category }) => category === 'lint/style/noRestrictedImports')
      .map(({ location }) => location.path);
    expect(found.sort()).toEqual(refused.sort());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('no file imports itself by way of others, not even for types', () => {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const imports = new Map(
    files.map((file) => {
      const text = readFileSync(join(ROOT, 'src', file), 'utf8');
      const found = [...text.matchAll(/(?:from |import\()'(\.[^']*)'/g)];
      return [file, found.map(([, to]) => join(dirname(file), to))];
    }),
  );
  expect([...imports.values()].flat().length).toBeGreaterThan(files.length);
  const circles: string[] = [];
  const clear = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (clear.has(file) || path.includes(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
    clear.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});
