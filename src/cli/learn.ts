/** `mlts learn`: sample, label, train, test, for days without a person. */
import { readFileSync } from 'node:fs';
import { Argument, type Command } from 'commander';
import { Campaign, type CampaignOptions } from '../active/campaign.ts';
import { type Config, parseConfig } from '../active/config.ts';
import type { Entry } from '../active/journal.ts';
import { STAGE_NAMES, type StageName } from '../active/stage.ts';
import { openPotential } from '../engine/select.ts';
import { MltsError, systemReason } from '../errors.ts';
import { loadModel } from '../model/load.ts';
import { type ClosableHost, jsonHost, stageLine, terminalHost } from './learn/host.ts';
import { registerPilot } from './learn/pilot.ts';
import { registerStatus } from './learn/status.ts';
import { registerWork } from './learn/work.ts';
import { interruption, print } from './options.ts';

const EXAMPLES = `
Example (all settings: docs/active-learning.md):
  name: al
  rounds: 10
  samplers:
    - {kind: disorder, composition: {Al: [20, 40]}, density: [2.2, 3.2], min_distance: 2.0, count: 100}
    - {kind: dynamics, from: disorder, duration: 5ps, temperature: {start: [300, 2000], end: [300, 2000]}}
  label:
    engine: {kind: lammps, commands: [pair_style eam/alloy, pair_coeff * * Al_zhou.eam.alloy Al], elements: [Al], level: EAM}
  select: {count: 40, forces: 0.2}      frames where errors above 0.2 eV/Å are to be expected
  training: {members: 4, epochs: 200}

  mlts learn al.yaml                   until the members agree everywhere, or for that many rounds
  mlts learn al.yaml --resume          goes on after an interruption: nothing is lost, nothing labelled twice
  mlts learn status al                 how it stands
  mlts learn pilot tcp://login1:5589   labels for one whose executor is pilot, from an allocation held open
  mlts learn stage train al.yaml       one stage alone: ${STAGE_NAMES.join(', ')}

The campaign's folder holds everything in plain files; journal.jsonl has a line for each finished stage.`;

export function register(program: Command): void {
  const learn = program
    .command('learn')
    .description('active learning: sample, label, train, test, promote')
    .argument('<config>', 'YAML')
    .option('--resume', 'go on with a campaign that was begun')
    .option('--json', 'JSON Lines on stdout: the journal as it grows')
    .addHelpText('after', EXAMPLES)
    .action(run);
  learn
    .command('stage')
    .description('one stage, in the round at work')
    .addArgument(new Argument('<name>', 'which').choices(STAGE_NAMES))
    .argument('<config>', 'YAML')
    .option('--json', 'JSON on stdout: its line of the journal')
    .action(runStage);
  registerStatus(learn);
  registerPilot(learn);
  registerWork(learn);
}

interface Options {
  readonly resume?: boolean;
  readonly json?: boolean;
}

async function run(file: string, { resume = false, json = false }: Options): Promise<void> {
  const config = readConfig(file);
  await withCampaign(config, resume, json, async (campaign, host) => {
    const { rounds, why, model } = await campaign.run();
    host.end();
    if (json) return print(`${JSON.stringify({ done: true, rounds, why, model })}\n`);
    const reason = why === 'certain' ? 'the members agree on all that is proposed' : `all ${rounds} rounds are done`;
    return print(`${reason}${model === undefined ? '' : `; model: ${model}`}\n`);
  });
}

async function runStage(name: StageName, file: string, { json = false }: Options): Promise<void> {
  const config = readConfig(file);
  const begun = name !== 'propose' || Campaign.isBegun(config);
  await withCampaign(config, begun, json, async (campaign) => {
    await campaign.runStage(name);
  });
}

async function withCampaign(
  config: Config,
  resume: boolean,
  json: boolean,
  action: (campaign: Campaign, host: ClosableHost) => Promise<void>,
): Promise<void> {
  const signal = interruption();
  const host = json ? jsonHost() : terminalHost();
  const ended = (entry: Entry) => {
    host.end();
    process.stdout.write(json ? `${JSON.stringify(entry)}\n` : stageLine(entry));
  };
  const options: CampaignOptions = {
    ...{ host, signal, ended },
    open: async (model) => openPotential(await loadModel(model), { warn: (reason) => host.warn(reason) }),
  };
  const campaign = new Campaign(config, resume, options);
  try {
    await action(campaign, host);
  } finally {
    host.end();
    campaign.close();
  }
}

function readConfig(file: string): Config {
  try {
    return parseConfig(readFileSync(file, 'utf8'), file);
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    const what = `${file} cannot be read (${systemReason(cause)})`;
    throw new MltsError('E_FILE', what, 'Give the YAML of a campaign.', { cause });
  }
}
