/** Readers of option values and what verbs share. */
import { InvalidArgumentError } from 'commander';
import type { Potential } from '../engine/potential.ts';
import { openPotential } from '../engine/select.ts';
import { loadModel } from '../model/load.ts';
import type { Model } from '../model/model.ts';
import { findModel } from '../model/registry.ts';

/** A whole number of at least 1. */
export function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number, 1 or more.');
}

/** The model that `M` means, ready to compute; a slow backend is told on stderr. */
export async function openModel(name: string, threads?: number): Promise<{ model: Model; potential: Potential }> {
  const model = await loadModel(await findModel(name));
  return { model, potential: await openPotential(model, { threads, warn }) };
}

const warn = (reason: string) => process.stderr.write(`warning: ${reason}\n`);

/** A signal that Ctrl-C and SIGTERM fire; a second one ends the process at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      controller.abort();
      process.once(name, () => process.exit(130));
    });
  }
  return controller.signal;
}

/** Writes to stdout no faster than its reader takes it. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}
