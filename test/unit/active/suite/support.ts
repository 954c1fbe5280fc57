/** Measurements from YAML, run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { measurementRule } from '../../../../src/active/suite/parse.ts';
import { parseYaml } from '../../../../src/dynamics/input/input.ts';
import type { Potential } from '../../../../src/engine/potential.ts';
import { formatExtxyz } from '../../../../src/io/extxyz.ts';
import type { Structure } from '../../../../src/io/structure.ts';

export const measurement = (text: string) => measurementRule(parseYaml(text, 'al.yaml'));

/** Metrics by name, and what was said on the way. */
export async function measure(text: string, potential: Potential) {
  const { signal } = new AbortController();
  const said: string[] = [];
  const metrics = await measurement(text).measure({ potential, seed: 1, say: (one) => said.push(one), signal });
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  return { said, values: Object.fromEntries(metrics.map(({ name, value }) => [name, value])) };
}

/** A file of frames that goes with the test. */
export function framesFile(frames: readonly Structure[]): string {
  return textFile('frames.extxyz', frames.map(formatExtxyz).join(''));
}

export function textFile(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mlts-suite-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** Without a cell. */
export const molecule = (numbers: readonly number[], positions: readonly number[]): Structure => ({
  ...{ numbers: Int32Array.from(numbers), positions: Float64Array.from(positions) },
  ...{ pbc: [false, false, false], info: {}, arrays: {} },
});
