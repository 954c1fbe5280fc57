/** `mlts serve`: models to a server that runs until it is told to stop. */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { Potential } from '../engine/potential.ts';
import { type BackendChoice, openPotential } from '../engine/select.ts';
import { createLog, type Log } from '../log.ts';
import { loadModel } from '../model/load.ts';
import { findModel } from '../model/registry.ts';
import { type Config, readConfig } from '../server/config.ts';
import { DEFAULT_HARVEST, type Harvest } from '../server/harvest.ts';
import { allowedFile, serverKeyFile } from '../server/keyring.ts';
import { Server } from '../server/server.ts';
import { WorkerPotential } from '../server/worker-potential.ts';
import { version } from '../version.ts';
import { openHarvest } from './harvest.ts';
import { watchModels } from './model-watch.ts';
import { above, backendOption, count } from './options.ts';
import { onInterrupt } from './signals.ts';

/** Where the package keeps its own model. */
const EMBEDDED = fileURLToPath(new URL('../../models', import.meta.url));
const DEFAULT_ENDPOINT = 'tcp://127.0.0.1:5588';
/** How often a server that works says how it does, ms. */
const STATUS_INTERVAL = 300_000;

interface Options {
  bind?: string[];
  threads?: number;
  backend?: BackendChoice;
  config?: string;
  watch?: boolean;
  harvest?: string;
  harvestAbove?: number;
  json?: boolean;
  exitWithParent?: boolean;
}

const EXAMPLES = `
Examples:
  mlts serve                                      the embedded model on ${DEFAULT_ENDPOINT}
  mlts serve ani-2x water.mlts --threads 8        two models; requests choose by name
  mlts serve ani-2x --bind ipc:///tmp/mlts.ipc --bind tcp://127.0.0.1:6000
  mlts serve ani-2x --bind 'tcp://127.0.0.1:*' --json   any free port; the ready line says which
  mlts serve ani-2x --bind tcp://0.0.0.0:5588     other machines too: needs keys (mlts keys --help)
  mlts serve models/al.mlts --watch               takes up a new al.mlts while clients go on
  mlts serve ani-2x --harvest doubt               keeps what the members disagree on, for mlts learn
  mlts serve --config mlts.yaml                   settings from a file (docs/serving.md)

SIGTERM and Ctrl-C finish what was accepted, then exit.`;

export function register(program: Command): void {
  program
    .command('serve')
    .description('serve models to LAMMPS, ASE and TypeScript clients')
    .argument('[model...]', 'a .mlts file or a name from the model folders; default the embedded model')
    .option(
      '--bind <endpoint>',
      `where to listen, may be repeated (default: ${DEFAULT_ENDPOINT})`,
      (one: string, all?: string[]) => [...(all ?? []), one],
    )
    .option('--threads <n>', 'threads that compute (default: all processors)', count)
    .addOption(backendOption())
    .option('--config <file>', 'settings in YAML; the command line goes before them')
    .option('--watch', 'take up a model file that is put in the place of a served one; sessions keep theirs')
    .option('--harvest <folder>', 'keep structures of requests on which the members disagree, within bounds')
    .option(
      '--harvest-above <force>',
      `the largest σ_F from which on they do, eV/Å (default: ${DEFAULT_HARVEST.threshold})`,
      above,
    )
    .option('--json', 'write a line with endpoints and models to stdout once ready')
    .option('--exit-with-parent', 'stop when standard input ends')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(names: string[], options: Options): Promise<void> {
  const config: Config = options.config === undefined ? {} : await readConfig(options.config);
  const log = createLog(config.log);
  const choice = { backend: options.backend ?? config.backend, threads: options.threads ?? config.threads };
  const potentials = new Set<Potential>();
  const load = async (path: string): Promise<Potential> => {
    const potential = await open(path, choice, log);
    potentials.add(potential);
    return potential;
  };
  let harvest: Harvest | undefined;
  const unload = (potential: Potential): void => {
    potentials.delete(potential);
    potential.close();
  };
  try {
    const paths = new Map<string, string>();
    for (const path of await modelPaths(names.length > 0 ? names : config.models)) {
      const { model } = await load(path);
      paths.set(model.name, path);
    }
    harvest = openHarvest(options, config, log);
    const server = await Server.start({
      potentials: [...potentials],
      endpoints: options.bind ?? config.bind ?? [DEFAULT_ENDPOINT],
      limits: config.limits ?? {},
      keys: { server: config.keys?.server ?? serverKeyFile(), allowed: config.keys?.allowed ?? allowedFile() },
      log,
      name: `mlts ${version}`,
      ...(harvest && { observe: (...computed) => harvest?.take(...computed) }),
    });
    const stop = stopSignal(options.exitWithParent === true);
    announce(server, [...potentials], options.json === true, log);
    const status = setInterval(
      () => log.info('status', { ...server.stats(), ...(harvest && { harvest: harvest.counts }) }),
      STATUS_INTERVAL,
    ).unref();
    const unwatch = options.watch ? await watchModels(server, paths, { load, unload, log }) : undefined;
    log.info(`${await stop}: stopping once accepted work is done`);
    clearInterval(status);
    await unwatch?.();
    await server.stop();
  } finally {
    // A parent that asked by signal may well keep its end open, which would keep this process.
    if (options.exitWithParent) process.stdin.destroy();
    for (const potential of potentials) potential.close();
    await harvest?.close();
  }
}

async function modelPaths(names: readonly string[] | undefined): Promise<string[]> {
  if (names !== undefined && names.length > 0) return Promise.all(names.map((name) => findModel(name)));
  return [await findModel('default', [EMBEDDED])];
}

async function open(
  path: string,
  choice: { backend: BackendChoice | undefined; threads: number | undefined },
  log: Log,
): Promise<Potential> {
  const model = await loadModel(path);
  const potential = await openPotential(model, {
    ...choice,
    warn: (reason) => log.warn(reason),
    reference: (loaded) => new WorkerPotential(loaded),
  });
  log.info('model loaded', {
    model: model.name,
    members: model.members,
    backend: potential.backend,
    sha256: model.sha256,
  });
  return potential;
}

function announce(server: Server, potentials: readonly Potential[], json: boolean, log: Log): void {
  const { endpoints } = server;
  const models = potentials.map(({ model: { name, sha256 } }) => ({ name, sha256 }));
  const backend = potentials[0]?.backend;
  if (json) process.stdout.write(`${JSON.stringify({ ready: true, endpoints, models, backend, pid: process.pid })}\n`);
  log.info(`ready on ${endpoints.join(' ')}`, { models: models.map(({ name }) => name).join(' '), backend });
}

/** Resolves to what asked for the stop. */
function stopSignal(withParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    onInterrupt(resolve, 1);
    if (withParent)
      process.stdin
        .once('end', () => resolve('the parent has gone'))
        .once('error', () => resolve('the parent has gone'))
        .resume();
  });
}
