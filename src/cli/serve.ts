/** `mlts serve`: models to a server that runs until it is told to stop. */
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import type { Potential } from '../engine/potential.ts';
import { BACKEND_CHOICES, type BackendChoice, openPotential } from '../engine/select.ts';
import { createLog, type Log } from '../log.ts';
import { loadModel } from '../model/load.ts';
import { findModel } from '../model/registry.ts';
import { type Config, readConfig } from '../server/config.ts';
import { allowedFile, serverKeyFile } from '../server/keyring.ts';
import { Server } from '../server/server.ts';
import { WorkerPotential } from '../server/worker-potential.ts';
import { version } from '../version.ts';
import { count } from './options.ts';
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
    .addOption(new Option('--backend <name>', 'what computes (default: auto)').choices(BACKEND_CHOICES))
    .option('--config <file>', 'settings in YAML; the command line goes before them')
    .option('--json', 'write a line with endpoints and models to stdout once ready')
    .option('--exit-with-parent', 'stop when standard input ends')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(names: string[], options: Options): Promise<void> {
  const config: Config = options.config === undefined ? {} : await readConfig(options.config);
  const log = createLog(config.log);
  const potentials: Potential[] = [];
  try {
    for (const path of await modelPaths(names.length > 0 ? names : config.models)) {
      potentials.push(
        await open(
          path,
          { backend: options.backend ?? config.backend, threads: options.threads ?? config.threads },
          log,
        ),
      );
    }
    const server = await Server.start({
      potentials,
      endpoints: options.bind ?? config.bind ?? [DEFAULT_ENDPOINT],
      limits: config.limits ?? {},
      keys: { server: config.keys?.server ?? serverKeyFile(), allowed: config.keys?.allowed ?? allowedFile() },
      log,
      name: `mlts ${version}`,
    });
    const stop = stopSignal(options.exitWithParent === true);
    announce(server, potentials, options.json === true, log);
    const status = setInterval(() => log.info('status', { ...server.stats() }), STATUS_INTERVAL).unref();
    log.info(`${await stop}: stopping once accepted work is done`);
    clearInterval(status);
    await server.stop();
  } finally {
    // A parent that asked by signal may well keep its end open, which would keep this process.
    if (options.exitWithParent) process.stdin.destroy();
    for (const potential of potentials) potential.close();
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
