/** `mlts learn pilot`: a worker that stays, in an allocation held open. */
import { availableParallelism, hostname } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_ENDPOINT } from '../../active/executors/parse.ts';
import { type Reason, runPilot } from '../../active/executors/pilot/agent.ts';
import { readKeys } from '../../client/curve.ts';
import { count, interruption, print } from '../options.ts';

const EXAMPLES = `
Examples:
  mlts learn pilot                                               on the machine of mlts learn
  mlts learn pilot tcp://login1:5589 --keys pilot.json           on another one, a worker a core
  srun --ntasks-per-node=1 mlts learn pilot tcp://login1:5589 --keys pilot.json --workers 16
  mlts learn pilot ipc:///tmp/al.ipc --time 3600                 leaves in time to be done in an hour

The campaign has executor: {kind: pilot, bind: ENDPOINT}. Pilots may start before it and stay between rounds; they wait for
mlts learn --resume where it was killed, and leave when the campaign has ended. SIGTERM and Ctrl-C give back what is under way.`;

export function registerPilot(learn: Command): void {
  learn
    .command('pilot')
    .description('label for a campaign whose executor is pilot, from an allocation held open')
    .argument('[endpoint]', 'where mlts learn listens', DEFAULT_ENDPOINT)
    .option('--workers <n>', 'labels side by side (default: one a core)', count)
    .option(
      '--time <time>',
      'until it must end: seconds, or [D-]HH:MM:SS or MM:SS as Slurm writes it (default: SLURM_JOB_END_TIME, where it is set)',
      time,
    )
    .option('--keys <file>', 'CURVE key file for a campaign on another machine (mlts keys)')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

interface Options {
  readonly workers?: number;
  readonly time?: number;
  readonly keys?: string;
}

const REASONS: Readonly<Record<Reason, string>> = {
  ended: 'the campaign has ended',
  late: 'no time is left for a label',
  stopped: 'stopped',
};

async function run(endpoint: string, { workers = availableParallelism(), time: left, keys }: Options): Promise<void> {
  const { reason, labels } = await runPilot({
    ...{
      endpoint,
      workers,
      keys: await readKeys(keys),
      until: left === undefined ? slurmEnd() : Date.now() + 1000 * left,
    },
    name: `${hostname()}:${process.pid}`,
    say: (text) => void process.stderr.write(`${text}\n`),
    signal: interruption(),
  });
  await print(`${REASONS[reason]}; ${labels} labels\n`);
}

/** Seconds, or the time left as squeue prints it. */
function time(text: string): number {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d\d)$/.exec(text);
  if (match !== null) {
    const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
  }
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give seconds, MM:SS, HH:MM:SS or D-HH:MM:SS.');
}

/** ms since 1970 */
function slurmEnd(): number | undefined {
  const seconds = Number(process.env.SLURM_JOB_END_TIME);
  return seconds > 0 ? 1000 * seconds : undefined;
}
