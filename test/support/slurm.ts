/** A cluster of one node: munged, slurmctld and slurmd as children of the test, with all their files in one folder. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Cluster {
  /** The controller goes away, and comes back with the state that it saved as it went. */
  readonly controller: { stop(): Promise<void>; start(): Promise<void> };
  /** States of all tasks in the queue. */
  queue(): string[];
  stop(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Sets SLURM_CONF for this process. @throws where Slurm is not installed, or comes not up */
export async function startCluster(): Promise<Cluster> {
  for (const program of ['munged', 'slurmctld', 'slurmd', 'sbatch']) {
    try {
      execFileSync('which', [program], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    } catch {
      throw new Error(`no ${program}: apt-get install slurm-wlm slurm-client munge`);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'mlts-slurm-'));
  const at = (name: string) => join(folder, name);
  for (const name of ['state', 'spool', 'munge']) mkdirSync(at(name), { mode: 0o755 });
  writeFileSync(at('munge/key'), randomBytes(128), { mode: 0o600 });
  const name = hostname().split('.')[0];
  const socket = at('munge/socket');
  const [control, daemon] = [await freePort(), await freePort()];
  const settings = [
    ...['ClusterName=test', `SlurmctldHost=${name}(127.0.0.1)`, 'SlurmUser=root', 'SlurmdUser=root'],
    ...[`SlurmctldPort=${control}`, `SlurmdPort=${daemon}`, 'AuthType=auth/munge', `AuthInfo=socket=${socket}`],
    ...['CredType=cred/munge', `StateSaveLocation=${at('state')}`, `SlurmdSpoolDir=${at('spool')}`],
    ...[`SlurmctldPidFile=${at('ctld.pid')}`, `SlurmdPidFile=${at('d.pid')}`],
    ...[`SlurmctldLogFile=${at('ctld.log')}`, `SlurmdLogFile=${at('d.log')}`],
    ...['ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none', 'JobAcctGatherType=jobacct_gather/none'],
    ...['AccountingStorageType=accounting_storage/none', 'SelectType=select/cons_tres', 'MpiDefault=none'],
    ...[
      'SelectTypeParameters=CR_Core',
      'SchedulerType=sched/backfill',
      'ReturnToService=2',
      'MessageTimeout=5',
      'KillWait=5',
    ],
    'SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0',
    `NodeName=${name} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN`,
    `PartitionName=all Nodes=${name} Default=YES MaxTime=INFINITE State=UP`,
  ];
  writeFileSync(at('slurm.conf'), `${settings.join('\n')}\n`);
  process.env.SLURM_CONF = at('slurm.conf');
  const run = (program: string, args: readonly string[]) => spawn(`/usr/sbin/${program}`, args, { stdio: 'ignore' });
  const [key, log, seed, pid] = ['key', 'log', 'seed', 'pid'].map((file) => at(`munge/${file}`));
  const munge = run('munged', [
    ...['--foreground', '--force', `--socket=${socket}`, `--key-file=${key}`],
    ...[`--log-file=${log}`, `--seed-file=${seed}`, `--pid-file=${pid}`],
  ]);
  let controller: ChildProcess | undefined;
  let node: ChildProcess | undefined;
  const answers = (ready: string) =>
    execFileSync('sinfo', ['-h', '-o', '%T'], { encoding: 'utf8', stdio: 'pipe' }).match(ready);
  const until = async (isSo: () => unknown) => {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        if (isSo()) return;
      } catch {
        // It does not answer yet.
      }
      await sleep(200);
    }
    throw new Error(`Slurm came not up: see ${folder}`);
  };
  const stop = async (child: ChildProcess | undefined, how: NodeJS.Signals = 'SIGKILL') => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how);
    await ended;
  };
  const startController = async () => {
    controller = run('slurmctld', ['-D', '-f', at('slurm.conf')]);
    await until(() => answers('.'));
  };
  await sleep(500);
  await startController();
  node = run('slurmd', ['-D', '-f', at('slurm.conf'), '-N', name]);
  await until(() => answers('idle'));
  return {
    controller: { stop: () => stop(controller, 'SIGTERM'), start: startController },
    queue: () => execFileSync('squeue', ['-h', '-r', '-o', '%T'], { encoding: 'utf8' }).split('\n').filter(Boolean),
    stop: async () => {
      for (const child of [controller, node, munge]) await stop(child);
      delete process.env.SLURM_CONF;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
