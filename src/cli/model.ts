/** `mlts model`: files of models, where they come from, what is in them. */
import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { symbolOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import { isModelName } from '../model/card.ts';
import { publishedNames, publishedSet } from '../model/catalogue.ts';
import { fetchModel, licenceNotice } from '../model/fetch.ts';
import { importHippynn } from '../model/hippynn.ts';
import { loadModelAndCard } from '../model/load.ts';
import type { Model } from '../model/model.ts';
import { importNeuroChem } from '../model/neurochem.ts';
import { findModel, type ListedModel, listModels } from '../model/registry.ts';
import { saveModel } from '../model/save.ts';
import { interruption, print } from './options.ts';
import { table } from './table.ts';

const EXAMPLES = `
Examples:
  mlts model fetch ani-2x                            from its public repository, checksums verified
  mlts model import ani-2x_8x.info -o ani-2x.mlts    a NeuroChem .info file or folder
  mlts model import 0.safetensors 1.safetensors -o mine.mlts    networks of hippynn (tools/hippynn_to_safetensors.py)
  mlts model list                                    every model of the model folders
  mlts model show ani-2x --json                      card, hash, elements, cutoffs
  mlts model verify water.mlts                       is the file whole, and does its card match its tensors?

Model folders, in order: ./models, $MLTS_MODELS, the per-user data folder, the embedded one.`;

export function register(program: Command): void {
  const model = program
    .command('model')
    .description('import, list, show, verify and fetch models')
    .addHelpText('after', EXAMPLES);

  model
    .command('import')
    .description('make a .mlts file of a NeuroChem set or of hippynn networks; the same input gives the same bytes')
    .argument('<source...>', '.info file or folder; or .safetensors files, one a member')
    .requiredOption('-o, --out <file>', 'NAME.mlts; NAME is what users will write')
    .action(importModel);
  model
    .command('list')
    .description('every model of the model folders')
    .option('--json', 'JSON Lines on stdout')
    .action(list);
  model
    .command('show')
    .description('the card of a model')
    .argument('<model>', 'a .mlts file or a name from the model folders')
    .option('--json', 'JSON on stdout')
    .action(show);
  model
    .command('verify')
    .description('check files: whole, finite, tensors as the card promises')
    .argument('<model...>', '.mlts files or names from the model folders')
    .action(verifyFiles);
  model
    .command('fetch')
    .description(`download a published set (${publishedNames.join(', ')}) and import it`)
    .argument('<name>')
    .option('-o, --out <file>', 'where to; default the per-user data folder')
    .action(fetchPublished);
}

async function importModel(sources: string[], { out }: { out: string }): Promise<void> {
  const name = basename(out, '.mlts');
  if (!out.endsWith('.mlts') || !isModelName(name)) {
    throw new MltsError('E_USAGE', `--out is '${out}'`, 'Name it NAME.mlts, NAME of letters, digits and . _ + - only.');
  }
  const areNetworks = sources.every((source) => source.endsWith('.safetensors'));
  if (!areNetworks && sources.length > 1) {
    const what = `${sources.length} sources are given`;
    throw new MltsError('E_USAGE', what, 'Give one NeuroChem set, or .safetensors files only.');
  }
  const { card, tensors } = areNetworks ? await importHippynn(sources, name) : await importNeuroChem(sources[0], name);
  await saveModel(out, card, tensors);
  await printFile(out);
}

async function printFile(path: string): Promise<void> {
  const { model } = await loadModelAndCard(path);
  await print(`${path}  ${model.name}  ${model.members} members  ${symbols(model.elements)}  sha256 ${model.sha256}\n`);
}

const symbols = (elements: readonly number[]) => elements.map(symbolOf).join(' ');

async function list({ json }: { json?: boolean }): Promise<void> {
  const models = await listModels();
  if (json) {
    for (const model of models) await print(`${JSON.stringify(entryOf(model))}\n`);
    return;
  }
  const rows = models.map((entry) => {
    const name = entry.shadowed ? `(${entry.name})` : entry.name;
    if ('error' in entry) return [name, '—', `${entry.error.code}: ${entry.error.what}`, '', entry.path];
    return [
      name,
      String(entry.model.members),
      symbols(entry.model.elements),
      entry.model.sha256.slice(0, 12),
      entry.path,
    ];
  });
  await print(table(['name', 'members', 'elements', 'sha256', 'file'], rows));
  if (models.some(({ shadowed }) => shadowed))
    await print('(name): a folder searched earlier has a model of that name\n');
}

/** A listed model as JSON, also for `mlts doctor`. */
export function entryOf(entry: ListedModel): object {
  const { name, path, shadowed } = entry;
  if ('error' in entry) return { name, path, shadowed, error: { code: entry.error.code, what: entry.error.what } };
  const { sha256, elements, members, cutoff } = entry.model;
  return { name, path, shadowed, sha256, members, elements: elements.map(symbolOf), cutoff };
}

async function show(name: string, { json }: { json?: boolean }): Promise<void> {
  const path = await findModel(name);
  const { model, card } = await loadModelAndCard(path);
  if (json) {
    await print(`${JSON.stringify({ path, sha256: model.sha256, ...card })}\n`);
    return;
  }
  const provenance = Object.entries(card.provenance ?? {}).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const facts = [
    ['name', model.name],
    ['file', path],
    ['sha256', model.sha256],
    ['architecture', `${model.architecture}, ${model.members} members`],
    ['elements', symbols(model.elements)],
    ['cutoffs', `${cutoffs(model)}; ghosts must reach ${model.reach} Å`],
    ['shortest distance', `${model.minDistance} Å`],
    ...provenance,
    ['licence', card.licence ?? 'not stated'],
    ['citation', card.citation ?? 'not stated'],
  ];
  const width = Math.max(...facts.map(([key]) => key.length));
  await print(facts.map(([key, value]) => `${key.padEnd(width)}  ${value}\n`).join(''));
}

function cutoffs(model: Model): string {
  if (model.architecture === 'ani')
    return `radial ${model.descriptor.radial.cutoff} Å, angular ${model.descriptor.angular.cutoff} Å`;
  const blocks = model.blocks.length;
  return `${model.cutoff} Å in each of ${blocks} interaction${blocks === 1 ? '' : 's'} of tensor order ${model.order}`;
}

async function verifyFiles(names: string[]): Promise<void> {
  for (const name of names) await printFile(await findModel(name));
}

async function fetchPublished(name: string, { out }: { out?: string }): Promise<void> {
  const set = await publishedSet(name);
  process.stderr.write(`${licenceNotice(set)}\n`);
  const bar = new SingleBar({
    format: '{bar} {percentage} % of {total} MB, {eta_formatted} left',
    stream: process.stderr,
    noTTYOutput: false,
  });
  const megabytes = (bytes: number) => Number((bytes / 1e6).toFixed(1));
  let started = false;
  const onProgress = (have: number, total: number) => {
    if (started) bar.update(megabytes(have));
    else bar.start(megabytes(total), megabytes(have));
    started = true;
  };
  try {
    const path = await fetchModel(set, {
      signal: interruption(),
      onProgress,
      ...(out === undefined ? {} : { path: out }),
    });
    bar.stop();
    await printFile(path);
  } finally {
    bar.stop();
  }
}
