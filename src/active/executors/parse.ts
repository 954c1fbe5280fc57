/** Executors from what a user wrote. */
import type { Input } from '../../dynamics/input/input.ts';
import { list, missing, oneOf, type Rule, refuse, settings, text, whole } from '../../dynamics/input/rules.ts';
import { parseEndpoint } from '../../server/endpoint.ts';
import type { ExecutorSettings, PilotSettings, SlurmSettings } from './settings.ts';

/** Of pilots, where none is given: one above the server's. */
export const DEFAULT_ENDPOINT = 'tcp://127.0.0.1:5589';

const local: Rule<ExecutorSettings> = (input) => {
  const given = settings<{ kind?: string; workers?: number }>(
    { kind: text, workers: whole(1, 1024) },
    'a local executor',
  )(input);
  return { kind: 'local', workers: given.workers };
};

/** As Slurm writes times: minutes, `HH:MM:SS` or `D-HH:MM:SS`; s. */
const time: Rule<number> = (input) => {
  const expected = 'a time of a minute or more as Slurm writes it: minutes, HH:MM:SS or D-HH:MM:SS';
  const match = /^(?:(?:(\d+)-)?(\d+):(\d\d):(\d\d)|(\d+))$/.exec(text(input));
  if (match === null) return refuse(input, expected);
  const [days, hours, minutes, seconds, alone] = match.slice(1).map((part) => Number(part ?? 0));
  const value = ((days * 24 + hours) * 60 + minutes + alone) * 60 + seconds;
  return value >= 60 ? value : refuse(input, expected);
};

/** What mlts says itself would be said twice. */
const option: Rule<string> = (input) => {
  const given = text(input);
  const isOurs = /^--(array|job-name|output|error|chdir|parsable|time|open-mode|wait|wrap)\b/.test(given);
  return given.startsWith('--') && !isOurs ? given : refuse(input, 'a further option of sbatch, like --mem=4G');
};

const slurm: Rule<ExecutorSettings> = (input) => {
  const given = settings<{ kind?: string } & Partial<Omit<SlurmSettings, 'kind'>>>(
    {
      ...{ kind: text, partition: text, account: text, time },
      ...{ nodes: whole(1), cpus: whole(1), throttle: whole(1), extra: list(option) },
    },
    'a slurm executor',
  )(input);
  if (given.time === undefined) throw missing(input, 'how long a job may run', 'time');
  return {
    ...{ kind: 'slurm', partition: given.partition, account: given.account, time: given.time },
    ...{ nodes: given.nodes ?? 1, cpus: given.cpus ?? 1, throttle: given.throttle, extra: given.extra ?? [] },
  };
};

/** Pilots must find it again, round after round. */
const endpoint: Rule<string> = (input) => {
  const given = text(input);
  const isFixed = !/:(\*|0)$/.test(given);
  try {
    if (isFixed) return parseEndpoint(given).address;
  } catch {
    // Said below.
  }
  return refuse(input, 'an endpoint: tcp://HOST:PORT with a port, or ipc:///PATH');
};

const keys = settings<{ server?: string; allowed?: string }>({ server: text, allowed: text }, 'keys');

const pilot: Rule<ExecutorSettings> = (input) => {
  const given = settings<{ kind?: string; bind?: string; keys?: PilotSettings['keys'] }>(
    { kind: text, bind: endpoint, keys },
    'a pilot executor',
  )(input);
  return { kind: 'pilot', bind: given.bind ?? DEFAULT_ENDPOINT, keys: given.keys ?? {} };
};

const KINDS = { local, slurm, pilot } as const;

export const executorRule: Rule<ExecutorSettings> = (input: Input) => {
  const kind = input.fields?.find(({ name }) => name === 'kind');
  if (kind === undefined) throw missing(input, 'which executor', 'kind');
  return KINDS[oneOf(Object.keys(KINDS) as (keyof typeof KINDS)[])(kind.input)](input);
};
