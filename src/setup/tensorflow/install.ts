/**
 * TensorFlow.js with libtensorflow, installed into the per-user folder. Its own install script downloads libtensorflow
 * from a cloud bucket and fails where that is closed; here the JavaScript comes from npm without scripts, libtensorflow
 * and its headers come out of the wheel on PyPI, and the binding between them is compiled. All is pinned with hashes in
 * tools/tensorflow.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Installed, installedRuntime, PACKAGE, runtimeFolder } from '../../engine/tensorflow/runtime.ts';
import { MltsError } from '../../errors.ts';
import { command } from './command.ts';
import { probeRuntime } from './probe.ts';
import { extract } from './wheel.ts';

export interface InstallOptions {
  /** The build with CUDA, and the CUDA libraries: 5 GB instead of 1. */
  readonly gpu?: boolean;
  readonly folder?: string;
  readonly onStep?: (what: string) => void;
  readonly signal?: AbortSignal;
}

interface Work {
  /** What grows beside the folder that it becomes. */
  readonly folder: string;
  /** The npm package inside. */
  readonly package: string;
  readonly wheels: string;
  /** `cpu` or `gpu`. */
  readonly device: string;
  readonly signal: AbortSignal | undefined;
}

const PINS = fileURLToPath(new URL('../../../tools/tensorflow/', import.meta.url));
/** The libraries inside the wheel, and all that the binding's sources include. */
const LIBRARY = /^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/;
const HEADER = /^tensorflow\/(include\/(?:tensorflow\/(?:c|core\/platform|tsl)|tsl|xla\/tsl)\/.*\.h)$/;
const LICENCE = /^tensorflow\/(?:include\/)?(LICENSE|THIRD_PARTY_NOTICES\.txt)$/;
/** Names under which the binding and the loader look for them. */
const LINKS: readonly [string, string][] = [
  ['libtensorflow.so.2', 'libtensorflow_cc.so.2'],
  ['libtensorflow.so', 'libtensorflow.so.2'],
  ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
];

/**
 * Installs the runtime, or goes on where an earlier call was stopped: finished steps are kept. What is installed already
 * stays where it is of these versions (the build with CUDA computes without a GPU too), and is otherwise replaced by a
 * whole new one.
 * @throws MltsError E_UNAVAILABLE on other machines than Linux x86-64 and where npm, Python or a compiler is missing;
 *   E_FILE, E_DISK, E_CANCELLED
 */
export async function installTensorflow(options: InstallOptions = {}): Promise<Installed> {
  const { gpu = false, folder = runtimeFolder(), onStep, signal } = options;
  const machine = `${process.platform} ${process.arch}`;
  if (machine !== 'linux x64') {
    const what = `libtensorflow is installed on linux x64 only, this is ${machine}`;
    throw new MltsError('E_UNAVAILABLE', what, 'Use the native backend.');
  }
  const device = gpu ? 'gpu' : 'cpu';
  const there = installedRuntime(folder);
  if (there?.pins === (await pinsOf(there?.cuda ? 'gpu' : 'cpu')) && (there.cuda || !gpu)) return there;
  const part = `${folder}.${device}.part`;
  const work: Work = {
    folder: part,
    package: join(part, 'node_modules', PACKAGE),
    wheels: join(part, 'wheels'),
    device,
    signal,
  };
  const pins = await pinsOf(device);
  if ((await readFile(join(part, 'pins'), 'utf8').catch(() => pins)) !== pins) await rm(part, { recursive: true });
  await mkdir(work.wheels, { recursive: true });
  await writeFile(join(part, 'pins'), pins);
  const steps: readonly [string, (work: Work) => Promise<void>][] = [
    ['JavaScript packages', installPackages],
    [`libtensorflow${gpu ? ' and CUDA' : ''}: download`, downloadWheels],
    [`libtensorflow${gpu ? ' and CUDA' : ''}: unpack`, unpack],
    ['binding: compile', compile],
  ];
  for (const [index, [what, step]] of steps.entries()) {
    const stamp = join(part, `step-${index + 1}`);
    if (existsSync(stamp)) continue;
    onStep?.(`[${index + 1}/${steps.length}] ${what}`);
    await step(work);
    await writeFile(stamp, '');
  }
  const { tfjs, libtensorflow } = await probeRuntime(part);
  const installed: Installed = { tfjs, libtensorflow, cuda: gpu, pins };
  await writeFile(join(part, 'installed.json'), `${JSON.stringify(installed)}\n`);
  for (const rest of ['wheels', 'pins', ...(await readdir(part)).filter((name) => name.startsWith('step-'))])
    await rm(join(part, rest), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
  return installed;
}

/** SHA-256 of all that is pinned, hex. */
async function pinsOf(device: 'cpu' | 'gpu'): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', `${device}.txt`]) hash.update(await readFile(join(PINS, file)));
  return hash.digest('hex');
}

/** Removes the runtime and what unfinished installations left. @returns whether there was any of it */
export async function removeTensorflow(folder: string = runtimeFolder()): Promise<boolean> {
  const all = [folder, `${folder}.cpu.part`, `${folder}.gpu.part`].filter((path) => existsSync(path));
  for (const path of all) await rm(path, { recursive: true });
  return all.length > 0;
}

async function installPackages({ folder, signal }: Work): Promise<void> {
  for (const file of ['package.json', 'package-lock.json']) await copyFile(join(PINS, file), join(folder, file));
  await command('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    show: true,
    missing: 'Install npm, which comes with Node.',
    signal,
  });
}

/** pip knows the user's mirrors and proxies, shows its progress, checks the hashes and keeps whole files in its cache. */
async function downloadWheels({ wheels, device, signal }: Work): Promise<void> {
  // Any CPython's wheel will do, its Python part is never used.
  const platform = ['manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'];
  const target = [
    '--python-version',
    '311',
    '--implementation',
    'cp',
    ...platform.flatMap((name) => ['--platform', name]),
  ];
  const pins = ['--require-hashes', '--no-deps', '--only-binary=:all:', '-r', join(PINS, `${device}.txt`)];
  await command('python3', ['-m', 'pip', 'download', '--disable-pip-version-check', ...target, ...pins, '-d', wheels], {
    show: true,
    missing: 'Install Python 3 with pip.',
    signal,
  });
}

async function unpack({ package: target, wheels, signal }: Work): Promise<void> {
  const deps = join(target, 'deps');
  await rm(deps, { recursive: true, force: true });
  const choose = (name: string): string | undefined => {
    // The wheel's libraries look for CUDA in ../nvidia/*/lib.
    if (name.startsWith('nvidia/')) return name;
    const library = LIBRARY.exec(name)?.[1];
    return library === undefined ? (HEADER.exec(name)?.[1] ?? LICENCE.exec(name)?.[1]) : join('lib', library);
  };
  const written: string[] = [];
  for (const wheel of (await readdir(wheels)).sort())
    written.push(...(await extract(join(wheels, wheel), deps, choose, signal)));
  for (const [link, library] of LINKS) {
    await symlink(library, join(deps, 'lib', link)).catch((cause) => {
      throw new MltsError('E_FILE', `${link} cannot be made in ${deps}/lib`, 'Run it again.', { cause });
    });
  }
  if (written.filter((path) => path.startsWith('lib/')).length !== 2)
    throw new MltsError('E_FILE', `${wheels} holds no wheel with libtensorflow`, 'Run it again with --remove first.');
}

async function compile({ package: cwd, signal }: Work): Promise<void> {
  const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include');
  await mkdir(join(cwd, 'lib', 'napi-v8'), { recursive: true });
  const sources = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'];
  const options = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', `-I${headers}`, '-Ideps/include'];
  const libraries = ['-Ldeps/lib', '-ltensorflow', '-ltensorflow_framework', '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  await command(
    process.env.CXX ?? 'c++',
    [...options, ...sources, ...libraries, '-o', 'lib/napi-v8/tfjs_binding.node'],
    {
      cwd,
      missing: 'Install a C++ compiler (C++17).',
      signal,
    },
  );
  await rm(join(cwd, 'deps', 'include'), { recursive: true });
}
