/** `mlts doctor`: what is on this machine, as set-up made it, and what is missing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { arch, availableParallelism, cpus, hostname, platform, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { timings } from '../engine/fastest.ts';
import { nativeInstructionSets } from '../engine/native.ts';
import { runtimeFile, runtimeFolder } from '../engine/tensorflow/runtime.ts';
import { asMltsError } from '../errors.ts';
import { listModels, modelFolders } from '../model/registry.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import { probeRuntime } from '../setup/tensorflow/probe.ts';
import { version } from '../version.ts';
import { entryOf } from './model.ts';
import { print } from './options.ts';

const EXAMPLES = `
Examples:
  mlts doctor                                    for people
  mlts doctor --json | jq -r .lammps.plugin      for scripts

Exit code 1 where something is missing.`;

export function register(program: Command): void {
  program
    .command('doctor')
    .description('versions, CPU features, backends, models, LAMMPS, Python, and what is missing')
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

interface Missing {
  readonly what: string;
  readonly remedy: string;
}

const ROOT = new URL('../../', import.meta.url);
const SETUP = 'Run `npm run setup` in the checkout.';

async function run({ json }: { json?: boolean }): Promise<void> {
  const missing: Missing[] = [];
  const report = {
    mlts: version,
    protocol: PROTOCOL_VERSION,
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: { model: cpus()[0]?.model ?? 'unknown', threads: availableParallelism() },
    backends: await backends(missing),
    python: python(missing),
    lammps: lammps(missing),
    model_folders: modelFolders(),
    models: (await listModels()).map(entryOf),
    missing,
  };
  if (report.models.length === 0)
    missing.push({ what: 'no model in any model folder', remedy: 'Fetch one: mlts model fetch ani-2x.' });
  await print(json ? `${JSON.stringify(report)}\n` : text(report));
  if (missing.length > 0) process.exitCode = 1;
}

/** Which backends compute here; the native one with the instruction sets it has kernels for, the one in use first. */
async function backends(missing: Missing[]) {
  const reference = { available: true };
  const tensorflow = await tensorflowBackend(missing);
  try {
    const [inUse, ...others] = nativeInstructionSets();
    return {
      native: { available: true, instruction_set: process.env.MLTS_ISA ?? inUse, others },
      reference,
      tensorflow,
    };
  } catch (error) {
    const { what, remedy } = asMltsError(error);
    missing.push({ what, remedy });
    return { native: { available: false }, reference, tensorflow };
  }
}

/** TensorFlow.js is installed by those who want it: only one that does not compute is missing. */
async function tensorflowBackend(missing: Missing[]) {
  try {
    runtimeFile();
  } catch {
    return { available: false, install: 'mlts setup tensorflow' };
  }
  try {
    return { available: true, ...(await probeRuntime(runtimeFolder())), ...chosen() };
  } catch (error) {
    const { what, remedy } = asMltsError(error);
    missing.push({ what, remedy });
    return { available: false };
  }
}

/** What `auto` has measured on this machine, by model. */
const chosen = () => {
  const own = Object.entries(timings()).flatMap(([key, timing]) => {
    const [host, , model, threads] = key.split(' ');
    return host === hostname() ? [{ model, threads, ...timing }] : [];
  });
  return own.length > 0 ? { measured_by_auto: own } : {};
};

/** Path of a file that set-up makes, or null and a line in `missing`. */
function made(path: string, what: string, missing: Missing[]): string | null {
  const file = fileURLToPath(new URL(path, ROOT));
  if (existsSync(file)) return file;
  missing.push({ what: `no ${what} (${file})`, remedy: SETUP });
  return null;
}

function python(missing: Missing[]) {
  const executable = made('.venv/bin/python', 'Python environment', missing);
  // What is imported, and the distribution that brings it.
  const packages = { ase: 'ase', mlts_ase: 'mlts-ase', numpy: 'numpy', zmq: 'pyzmq', msgpack: 'msgpack' };
  const program = `
import json, platform
from importlib import import_module
from importlib.metadata import version
found = {}
for name, distribution in ${JSON.stringify(packages)}.items():
    try:
        import_module(name)
        found[name] = version(distribution)
    except ImportError:
        found[name] = None
print(json.dumps({"version": platform.python_version(), "packages": found}))`;
  const output = executable && outputOf(executable, ['-c', program]);
  const found: { version: string | null; packages: Record<string, string | null> } = output
    ? JSON.parse(output)
    : { version: null, packages: {} };
  for (const [name, have] of Object.entries(found.packages)) {
    if (have === null) missing.push({ what: `the Python environment has no ${name}`, remedy: SETUP });
  }
  return { executable, ...found };
}

function lammps(missing: Missing[]) {
  const executable = made('.venv/bin/lmp', 'LAMMPS', missing);
  const help = executable && outputOf(executable, ['-h']);
  return {
    executable,
    version: /Simulator - (.*)$/m.exec(help ?? '')?.[1] ?? null,
    plugin: made('build/lammps-plugin/mltsplugin.so', 'LAMMPS plugin', missing),
    mpiexec: made('.venv/bin/mpiexec', 'MPI', missing),
  };
}

function outputOf(command: string, args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 ? stdout : undefined;
}

/** Nested facts, one a line, indented by depth. */
function text(value: object, indent = ''): string {
  let lines = '';
  for (const [key, entry] of Object.entries(value)) {
    const name = Array.isArray(value) ? '-' : key;
    if (typeof entry !== 'object' || entry === null) lines += `${indent}${name}: ${entry ?? 'missing'}\n`;
    else if (Array.isArray(entry) && entry.every((item) => typeof item !== 'object'))
      lines += `${indent}${name}: ${entry.join(' ')}\n`;
    else lines += `${indent}${name}:\n${text(entry, `${indent}  `)}`;
  }
  return lines;
}
