/** The user's own deck of LAMMPS, with the campaign's model behind `pair_style mlts`: the frames that it dumps are proposed. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { list, missing, number, type Rule, refuse, settings, text, whole } from '../../dynamics/input/rules.ts';
import { numberOf } from '../../elements.ts';
import { MltsError } from '../../errors.ts';
import type { Structure } from '../../io/structure.ts';
import { Server } from '../../server/server.ts';
import { runProgram } from '../program.ts';
import { fileRule } from '../suite/reference.ts';
import type { Kind } from './kind.ts';
import { length } from './rules.ts';
import { isTight, type Proposals, type SamplerContext } from './sampler.ts';
import { readUncertain } from './uncertain-dump.ts';

export interface LammpsSettings {
  /** Absolute; LAMMPS runs in its folder. */
  readonly deck: string;
  /** LAMMPS, and what starts it. */
  readonly command: readonly string[];
  /** mltsplugin.so */
  readonly plugin: string;
  /** Atomic number of each type of the deck, for dumps without elements. */
  readonly types: readonly number[] | undefined;
  /** Runs of the deck, each with a seed of its own. */
  readonly runs: number;
  /** Frames of a run at most. */
  readonly count: number;
  /** Wall-time limit of a run, s. */
  readonly seconds: number;
  /** Å */
  readonly minDistance: number;
}

type Context = Pick<SamplerContext, 'potential' | 'random' | 'seed' | 'threshold' | 'scratch' | 'say' | 'signal'>;

const SETUP = 'Run `npm run setup` in the checkout, or name them with `command` and `plugin`.';

/**
 * Frames of all runs, with `run` and `step`. A run that fails or runs out of time leaves what it has dumped, and is told. `discarded`
 * counts runs that are `certain` (nothing was dumped), `failed` or `cut off by the time limit`, and frames that are `too close` or beyond the count
 * (`left out`).
 * @throws MltsError E_USAGE where all runs fail without a frame, or where it uses neither the model nor the dump;
 *   E_UNAVAILABLE where LAMMPS or the plug-in is missing; E_FILE for a dump that cannot be read; E_CANCELLED
 */
export async function runDeck(settings: LammpsSettings, context: Context): Promise<Proposals> {
  const { deck, plugin, types, runs, count, minDistance } = settings;
  if (!existsSync(plugin)) throw new MltsError('E_UNAVAILABLE', `there is no LAMMPS plug-in ${plugin}`, SETUP);
  const discarded = { certain: 0, failed: 0, 'cut off by the time limit': 0, 'too close': 0, 'left out': 0 };
  const frames: Structure[] = [];
  const faults: string[] = [];
  // Paths of sockets are short, those of campaigns need not be.
  const folder = mkdtempSync(join(tmpdir(), 'mlts-'));
  const endpoint = `ipc://${join(folder, 'server')}`;
  const server = await Server.start({ potentials: [context.potential!], endpoints: [endpoint] });
  try {
    for (let run = 0; run < runs; run++) {
      const dump = join(context.scratch, `uncertain-${run}.lammpstrj`);
      const seed = 1 + Math.floor(context.random() * 899_999_999);
      const { code, timedOut, said } = await lammps(settings, context, { endpoint, dump, seed });
      const hasFailed = code !== 0 && !timedOut;
      if (hasFailed) {
        discarded.failed++;
        faults.push(faultOf(said));
      } else if (timedOut) {
        discarded['cut off by the time limit']++;
      } else if (server.stats().systems === 0) {
        throw unused(deck, 'never asked the model of the campaign', `pair_style mlts \${endpoint} model \${model}`);
      } else if (!existsSync(dump)) {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: as LAMMPS spells it
        throw unused(deck, 'wrote no dump', 'dump … ${dump}');
      }
      if (!existsSync(dump)) continue;
      const read = readUncertain(dump, { types, count, random: context.random, isCut: code !== 0 });
      const apart = read.frames.filter((frame) => !isTight(frame, minDistance));
      discarded['too close'] += read.frames.length - apart.length;
      discarded['left out'] += read.found - read.frames.length;
      if (read.found === 0 && code === 0) discarded.certain++;
      for (const { info, ...frame } of apart) frames.push({ ...frame, info: { run, ...info }, arrays: {} });
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const [fault] = faults;
  if (fault === undefined) return { frames, discarded };
  if (faults.length === runs && frames.length === 0)
    throw new MltsError('E_USAGE', `${deck} fails: ${fault}`, 'Correct the deck.');
  context.say(`${basename(deck)} failed in ${faults.length} of ${runs} runs: ${fault}`);
  return { frames, discarded };
}

interface Run {
  readonly endpoint: string;
  readonly dump: string;
  readonly seed: number;
}

function lammps(settings: LammpsSettings, context: Context, { endpoint, dump, seed }: Run) {
  const { deck, command, plugin, seconds } = settings;
  const { potential, scratch, signal, threshold } = context;
  const variables = { endpoint, dump, seed, plugin, threshold, model: potential!.model.name };
  const given = Object.entries(variables).flatMap(([name, value]) => ['-var', name, String(value)]);
  const words = [...command, '-in', basename(deck), '-log', join(scratch, 'log.lammps'), '-nocite', ...given];
  const before = process.env.LAMMPS_PLUGIN_PATH;
  const plugins = before === undefined ? dirname(plugin) : `${dirname(plugin)}:${before}`;
  return runProgram(words, {
    ...{ folder: dirname(deck), seconds, signal, remedy: SETUP },
    environment: { LAMMPS_PLUGIN_PATH: plugins, OMP_NUM_THREADS: process.env.OMP_NUM_THREADS ?? '1' },
  });
}

/** LAMMPS' own words, else the last line. */
const faultOf = (said: string): string =>
  /^ERROR.*$/m.exec(said)?.[0] ?? (said.trim().split('\n').at(-1) || 'LAMMPS ended without a word');

const unused = (deck: string, what: string, remedy: string) =>
  new MltsError('E_USAGE', `${deck} ${what}`, `Write \`${remedy}\` in it; the campaign gives these variables.`);

const own = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const lammpsCommand = (): string => (existsSync(own('.venv/bin/lmp')) ? own('.venv/bin/lmp') : 'lmp');
const pluginFile = (): string => process.env.MLTS_LAMMPS_PLUGIN ?? own('build/lammps-plugin/mltsplugin.so');

const element: Rule<number> = (input) => numberOf(text(input)) ?? refuse(input, 'the symbol of an element');

export const lammpsKind: Kind = (input, name) => {
  const given = settings<{
    kind?: string;
    name?: string;
    deck?: string;
    command?: readonly string[];
    plugin?: string;
    elements?: readonly number[];
    runs?: number;
    count?: number;
    seconds?: number;
    min_distance?: number;
  }>(
    {
      ...{ kind: text, name: text, deck: fileRule, plugin: fileRule, elements: list(element), min_distance: length },
      command: (value) => (value.items ? list(text)(value) : text(value).split(/\s+/)),
      ...{ runs: whole(1, 10_000), count: whole(1, 100_000), seconds: number({ above: 0, unit: 's' }) },
    },
    'lammps',
  )(input);
  const { deck, runs = 1, count = 100, seconds = 3600, min_distance: minDistance = 0.5 } = given;
  if (deck === undefined) throw missing(input, 'which deck', 'deck');
  return {
    ...{ name, needsModel: true, sources: [] },
    propose: (context) => {
      const { command = [lammpsCommand()], plugin = pluginFile(), elements: types } = given;
      return runDeck({ deck, command, plugin, types, runs, count, seconds, minDistance }, context);
    },
  };
};
