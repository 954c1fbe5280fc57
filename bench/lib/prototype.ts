/**
 * The yardstick: a stand-alone program of intrinsics that computes the same ensembles without being a library. Compiled
 * into a folder of its own where its sources are found; absent, the benchmark runs without the comparison.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './process.ts';

const SOURCE = join(ROOT, '..', 'shared', 'prototype');

export interface PrototypeTime {
  readonly min: number;
  readonly median: number;
}

export class Prototype {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Compiled and with its inputs written, or undefined where there is none. */
  static async build(folder: string, python: string): Promise<Prototype | undefined> {
    if (!existsSync(join(SOURCE, 'ani.cpp'))) return undefined;
    mkdirSync(folder, { recursive: true });
    await run([python, join(SOURCE, 'inputs.py')], { cwd: folder });
    const options = ['-O3', '-march=native', '-ffast-math', '-fopenmp', '-std=c++20', `-I${SOURCE}`];
    await run(['g++', ...options, join(SOURCE, 'ani.cpp'), '-o', 'ani'], { cwd: folder });
    return new Prototype(folder);
  }

  knows(structure: string): boolean {
    return existsSync(join(this.#folder, `s_${structure}.bin`));
  }

  /** Energy, forces and every member's forces for about `seconds`, ms. */
  async time(structure: string, threads: number, seconds: number): Promise<PrototypeTime> {
    const env = { TRB: '1', OMP_WAIT_POLICY: 'active', OMP_NUM_THREADS: String(threads) };
    const text = await run(['./ani', structure, '8', String(seconds)], { cwd: this.#folder, env });
    const [, min, median] = /total ([\d.]+) ms \(median ([\d.]+)/.exec(text) ?? [];
    if (median === undefined) throw new Error(`the prototype said: ${text}`);
    return { min: Number(min), median: Number(median) };
  }
}
