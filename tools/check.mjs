#!/usr/bin/env node
// `npm run check`: format, lint, import direction, types, file lengths, in TypeScript, C++ and Python. Runs all of them and
// says which failed. `--write` lets the formatters mend what they can first.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildDir, digest, filesUnder, root, run, stamp, stamped, ToolError, venv } from './process.mjs';
import { configure, runTool, setup } from './setup.mjs';

const MAX_LINES = 400;
const SOURCE = /\.(ts|mjs|hpp|h|cpp|cc|py)$/;
const CODE = ['src', 'native', 'bridge', 'lammps-plugin', 'ase-calculator', 'test', 'bench', 'tools', 'examples'];

const write = process.argv.includes('--write');
const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);
const pythonTool = (/** @type {string} */ name) => join(venv, 'bin', name);
const cxxFiles = () => filesUnder(...CODE).filter((file) => /\.(hpp|h|cpp|cc)$/.test(file));

async function biome() {
  await run('check-biome', bin('biome'), ['check', '--error-on-warnings', ...(write ? ['--write'] : []), '.']);
}

async function types() {
  await run('check-tsc', bin('tsc'), ['-p', 'tsconfig.json']);
}

async function clangFormat() {
  const files = cxxFiles();
  if (files.length === 0) return;
  await run('check-clang-format', pythonTool('clang-format'), [
    ...(write ? ['-i'] : ['--dry-run', '-Werror']),
    ...files,
  ]);
}

/** clang-tidy over every compiled file, in two processes; skipped while no C++ file has changed since it last passed. */
async function clangTidy() {
  const inputs = digest([...cxxFiles(), '.clang-tidy', 'CMakeLists.txt']);
  if (stamped('clang-tidy', inputs)) return;
  await configure('build', 'Release', '-DBUILD_TESTING=ON');
  const database = join(buildDir, 'compile_commands.json');
  /** @type {{ file: string }[]} */
  const entries = existsSync(database) ? JSON.parse(readFileSync(database, 'utf8')) : [];
  const files = [...new Set(entries.map((entry) => relative(root, entry.file)))].filter(
    (file) => !file.startsWith('.'),
  );
  const queue = files.toReversed();
  /** @type {string[]} */
  const failures = [];
  const worker = async () => {
    for (let file = queue.pop(); file; file = queue.pop()) {
      const options = ['-p', buildDir, '--quiet', '--extra-arg=-Wno-unknown-warning-option', file];
      const log = `check-clang-tidy-${file.replaceAll('/', '-')}`;
      const { code, output } = await run(log, pythonTool('clang-tidy'), options, { allowFailure: true });
      if (code !== 0) failures.push(output);
    }
  };
  await Promise.all([worker(), worker()]);
  if (failures.length > 0) throw new ToolError(failures.join('\n'));
  stamp('clang-tidy', inputs);
}

async function ruff() {
  await run('check-ruff-format', pythonTool('ruff'), ['format', ...(write ? [] : ['--check', '--diff']), '.']);
  await run('check-ruff', pythonTool('ruff'), ['check', ...(write ? ['--fix'] : []), '.']);
}

async function mypy() {
  // These have environments of their own, with a mypy.ini in the former.
  const apart = ['tools/default-model/', 'tools/transfer-learning/'];
  const files = filesUnder(...CODE).filter(
    (file) => file.endsWith('.py') && !apart.some((folder) => file.startsWith(folder)),
  );
  if (files.length > 0) await run('check-mypy', pythonTool('mypy'), files);
}

async function fileLengths() {
  const long = filesUnder(...CODE)
    .filter((file) => SOURCE.test(file))
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => `${file}: ${lines} lines, at most ${MAX_LINES}: split it by job`);
  if (long.length > 0) throw new ToolError(long.join('\n'));
}

const checks = {
  'biome: format, lint, import direction': biome,
  'tsc: types': types,
  'clang-format': clangFormat,
  'clang-tidy': clangTidy,
  'ruff: format, lint': ruff,
  'mypy: types': mypy,
  [`files of at most ${MAX_LINES} lines`]: fileLengths,
};

await runTool(async () => {
  await setup();
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    const start = performance.now();
    try {
      await check();
      process.stderr.write(`ok    ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      failed.push(name);
      process.stderr.write(`FAIL  ${name}\n${error.message}\n`);
    }
  }
  process.stdout.write(failed.length === 0 ? 'check: all passed\n' : `check: failed: ${failed.join('; ')}\n`);
  if (failed.length > 0) process.exitCode = 1;
});
