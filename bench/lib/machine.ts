/** What the numbers were measured on. */

import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly vectors: string;
  readonly node: string;
}

export function machine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    vectors: vectors(),
    node: process.version,
  };
}

function vectors(): string {
  if (process.platform !== 'linux') return process.arch;
  const info = readFileSync('/proc/cpuinfo', 'utf8');
  return ['avx512f', 'avx512vl', 'avx2', 'fma', 'asimd']
    .filter((flag) => new RegExp(`\\b${flag}\\b`).test(info))
    .join(' ');
}

/** Rate at which one core copies a buffer that with its copy fills `bytes`, GB/s read and written. */
export function copyRate(bytes: number): number {
  const from = Buffer.alloc(bytes / 2, 1);
  const to = Buffer.alloc(bytes / 2);
  let best = 0;
  for (let round = 0; round < 20; round++) {
    const start = performance.now();
    from.copy(to);
    best = Math.max(best, bytes / (performance.now() - start) / 1e6);
  }
  return best;
}
