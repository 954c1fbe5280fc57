import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readStructures } from '../../../src/io/read.ts';
import { parseFrameIndex } from '../../../src/io/slice.ts';
import type { Structure } from '../../../src/io/structure.ts';

const PYTHON = join(import.meta.dirname, '../../../.venv/bin/python');

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mlts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** All frames of a text under a file name. */
export function read(name: string, text: string): Structure[] {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, text);
  return readFile(file);
}

/** All frames of a file. */
export const readFile = (file: string): Structure[] =>
  [...readStructures(file, parseFrameIndex(':'))].map(({ frame }) => frame);

/**
 * Runs a Python program with ASE and numpy imported; what it assigns to `result` comes back.
 * @throws where the project's Python environment is missing or the program fails
 */
export function ase<T>(program: string, ...args: string[]): T {
  const script = `import sys, json\nimport numpy as np\nimport ase, ase.io, ase.build, ase.spacegroup\nargs = sys.argv[1:]\n${program}\nprint(json.dumps(result))`;
  const { status, stdout, stderr, error } = spawnSync(PYTHON, ['-c', script, ...args], { encoding: 'utf8' });
  if (error) throw new Error(`${PYTHON} cannot run: \`npm run setup\` makes it`, { cause: error });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
