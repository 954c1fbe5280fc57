/** Label engines as a campaign's file names them, and what comes of a label. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { openEngine } from '../../src/active/engines/open.ts';
import { engineRule } from '../../src/active/engines/parse.ts';
import type { EngineSettings } from '../../src/active/engines/settings.ts';
import { type LabelEngine, LabelFailure, type LabelOptions } from '../../src/active/label.ts';
import { parseYaml } from '../../src/dynamics/input/input.ts';
import type { Structure } from '../../src/io/structure.ts';

export const engineSettings = (given: object): EngineSettings =>
  engineRule(parseYaml(JSON.stringify(given), 'al.yaml'));

/** Closed with its test. */
export async function engineOf(given: object): Promise<LabelEngine> {
  const engine = await openEngine(engineSettings(given));
  onTestFinished(() => engine.close());
  return engine;
}

export function labelOptions(seconds = 120, signal: AbortSignal = new AbortController().signal): LabelOptions {
  const scratch = mkdtempSync(join(tmpdir(), 'mlts-label-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  return { scratch, seconds, signal };
}

export async function labelFailure(label: Promise<unknown>): Promise<LabelFailure> {
  const error = await label.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LabelFailure);
  return error as LabelFailure;
}

export const molecule = (numbers: readonly number[], positions: readonly (readonly number[])[]): Structure => ({
  ...{ numbers: Int32Array.from(numbers), positions: Float64Array.from(positions.flat()) },
  ...{ pbc: [false, false, false], info: {}, arrays: {} },
});

/** The same with one coordinate moved by `step`, Å. */
export const moved = (structure: Structure, coordinate: number, step: number): Structure => ({
  ...structure,
  positions: structure.positions.map((x, k) => (k === coordinate ? x + step : x)),
});
