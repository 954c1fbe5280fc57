/** Readers of option values and what verbs share. */
import { InvalidArgumentError, Option } from 'commander';
import { atoms as atomsRule, pressure as pressureRule } from '../dynamics/input/rules.ts';
import type { Potential } from '../engine/potential.ts';
import { BACKEND_CHOICES, type BackendChoice, openPotential } from '../engine/select.ts';
import { loadModel } from '../model/load.ts';
import type { Model } from '../model/model.ts';
import { findModel } from '../model/registry.ts';
import { onInterrupt } from './signals.ts';

/** A whole number of at least 1. */
export function count(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number, 1 or more.');
}

/** A number above 0. */
export function above(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Give a number above 0.');
}

/** A number of 0 or more. */
export function notNegative(text: string): number {
  return Number(text) === 0 && text.trim() !== '' ? 0 : above(text);
}

/** A whole number, 0 or more. */
export function steps(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number, 0 or more.');
}

/** A pressure with its unit, as eV/Å³. */
export const pressure = (text: string): number => pressureRule({ place: '--pressure', scalar: text });

/** Atoms by number from 0: `0,4,8-15`. */
export const atoms = (text: string): readonly number[] => atomsRule({ place: '--fix', scalar: text });

/** `--backend NAME`. */
export const backendOption = (): Option =>
  new Option('--backend <name>', 'what computes (default: auto)').choices(BACKEND_CHOICES);

/** The model that `M` means, ready to compute; a slow backend is told on stderr. */
export async function openModel(
  name: string,
  threads?: number,
  backend?: BackendChoice,
): Promise<{ model: Model; potential: Potential }> {
  const model = await loadModel(await findModel(name));
  return { model, potential: await openPotential(model, { threads, backend, warn }) };
}

const warn = (reason: string) => process.stderr.write(`warning: ${reason}\n`);

/** A signal that Ctrl-C and SIGTERM fire; a second one ends the process at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  onInterrupt(() => controller.abort(), 130);
  return controller.signal;
}

/** Writes to stdout no faster than its reader takes it. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}
