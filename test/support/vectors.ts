/** The golden vectors of test/vectors/potential. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Result, System } from '../../src/engine/potential.ts';

export interface PotentialVector {
  readonly name: string;
  readonly what: string;
  /** A name that `testModel` knows. */
  readonly model: string;
  readonly input: System;
  readonly expected: Result;
}

export const vectorFolder = fileURLToPath(new URL('../vectors/potential/', import.meta.url));

let loaded: readonly PotentialVector[] | undefined;

/** All vectors of the synthetic models. */
export function potentialVectors(): readonly PotentialVector[] {
  loaded ??= readVectors(vectorFolder);
  return loaded;
}

/** Vectors of published ensembles; their weights are not in this repository. */
export const publishedVectors = (): readonly PotentialVector[] =>
  readVectors(fileURLToPath(new URL('../vectors/published/', import.meta.url)));

/** Vector of one name. */
export function potentialVector(name: string): PotentialVector {
  const vector = potentialVectors().find((candidate) => candidate.name === name);
  if (vector === undefined) throw new Error(`no vector ${name} in ${vectorFolder}`);
  return vector;
}

/** Throws where there are none: a suite must not pass because it found nothing to check. */
function readVectors(folder: string): readonly PotentialVector[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'models.json');
  if (files.length === 0) throw new Error(`no vectors in ${folder}: run tools/vectors.py`);
  return files.sort().map((file) => parseVector(readFileSync(join(folder, file), 'utf8')));
}

function parseVector(text: string): PotentialVector {
  const { name, what, model, input, expected } = JSON.parse(text);
  return {
    name,
    what,
    model,
    input: {
      ...input,
      numbers: Int32Array.from(input.numbers),
      positions: Float64Array.from(input.positions),
      ...(input.cell === undefined ? {} : { cell: Float64Array.from(input.cell) }),
    },
    expected: Object.fromEntries(
      Object.entries(expected).map(([key, value]) => [
        key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
        Array.isArray(value) ? Float64Array.from(value) : value,
      ]),
    ) as unknown as Result,
  };
}
