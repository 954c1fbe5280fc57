/** Other programs to compare with: LAMMPS and Python packages of the checkout's own environment. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BIN = join(import.meta.dirname, '../../.venv/bin');

/**
 * Runs a LAMMPS input in a folder; its log comes back.
 * @throws where set-up has not made LAMMPS, or the run fails
 */
export function lammps(input: string, folder: string): string {
  const file = join(folder, 'in.lammps');
  writeFileSync(file, `${input}\n`);
  run(join(BIN, 'lmp'), ['-in', file, '-log', 'log.lammps', '-screen', 'none'], folder);
  return readFileSync(join(folder, 'log.lammps'), 'utf8');
}

/** Runs a Python program that assigns to `result`; `given` is its argument. Both pass through JSON. */
export function python<T>(program: string, given: unknown = null): T {
  const folder = mkdtempSync(join(tmpdir(), 'mlts-python-'));
  try {
    writeFileSync(join(folder, 'given.json'), JSON.stringify(given));
    const frame = 'import json\ngiven = json.load(open("given.json"))\n';
    writeFileSync(join(folder, 'program.py'), `${frame}${program}\njson.dump(result, open("result.json", "w"))\n`);
    run(join(BIN, 'python'), ['program.py'], folder);
    return JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as T;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (error) throw new Error(`${program} cannot run: \`npm run setup\` makes it`, { cause: error });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}${stdout}`);
}
