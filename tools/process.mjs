// Paths, child processes and stamps shared by set-up, check, test and demo. Plain Node: runs before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const buildDir = join(root, 'build');
export const venv = join(root, '.venv');
export const python = join(venv, 'bin', 'python');

/** A failure that the user can act on: printed as one line, without a stack. */
export class ToolError extends Error {}

/**
 * Runs a command to its end with both outputs in a log file.
 * @param {string} log name of the log in build/logs
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, allowFailure?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 * @throws ToolError with the end of the output when the command fails, unless failure is allowed
 */
export async function run(log, command, args, options = {}) {
  const logs = join(buildDir, 'logs');
  mkdirSync(logs, { recursive: true });
  const file = join(logs, `${log}.log`);
  const out = openSync(file, 'w');
  /** @type {number} */
  let code;
  try {
    code = await new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: options.cwd ?? root,
        env: options.env ?? process.env,
        stdio: ['ignore', out, out],
      });
      child.once('error', reject);
      child.once('exit', (status, signal) => resolve(status ?? (signal ? 128 : 1)));
    });
  } catch (error) {
    throw new ToolError(`${command} cannot be started: ${error instanceof Error ? error.message : error}`);
  } finally {
    closeSync(out);
  }
  const output = readFileSync(file, 'utf8');
  if (code !== 0 && !options.allowFailure) {
    const tail = output.trimEnd().split('\n').slice(-30).join('\n');
    throw new ToolError(
      `${tail}\n\`${[command, ...args].join(' ')}\` failed (exit ${code}); all of it is in ${relative(root, file)}`,
    );
  }
  return { code, output };
}

/**
 * First line that a command prints, or undefined when it cannot run.
 * @param {string} command
 * @param {...string} args
 * @returns {string | undefined}
 */
export function firstLine(command, ...args) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.error || result.status !== 0) return undefined;
  return (result.stdout || result.stderr).split('\n')[0];
}

/**
 * Every file under the given paths, sorted; paths that do not exist hold none.
 * @param {...string} paths relative to the root
 * @returns {string[]} relative to the root
 */
export function filesUnder(...paths) {
  /** @type {string[]} */
  const found = [];
  for (const path of paths) {
    const full = join(root, path);
    if (!existsSync(full)) continue;
    if (statSync(full).isFile()) {
      found.push(path);
      continue;
    }
    for (const name of readdirSync(full)) {
      if (name === 'node_modules' || name === '__pycache__' || name.startsWith('.') || name.endsWith('.egg-info'))
        continue;
      found.push(...filesUnder(join(path, name)));
    }
  }
  return found.sort();
}

/**
 * SHA-256 over the names and bytes of files and over any further strings that the result depends on.
 * @param {string[]} files relative to the root
 * @param {...(string | undefined)} also
 */
export function digest(files, ...also) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  for (const text of also) hash.update(`${text}\0`);
  return hash.digest('hex');
}

const stampFile = (/** @type {string} */ name) => join(buildDir, 'stamps', name);

/** @param {string} name @param {string} value */
export const stamped = (name, value) => existsSync(stampFile(name)) && readFileSync(stampFile(name), 'utf8') === value;

/** @param {string} name @param {string} value */
export function stamp(name, value) {
  mkdirSync(dirname(stampFile(name)), { recursive: true });
  writeFileSync(stampFile(name), value);
}
