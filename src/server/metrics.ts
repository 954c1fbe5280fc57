/** What the server has done since it started. Counting costs next to nothing; sorting waits for who asks. */
import type { Code } from '../errors.ts';

const WINDOW = 1024;

export class Metrics {
  readonly #started = performance.now();
  requests = 0;
  systems = 0;
  atoms = 0;
  batches = 0;
  maxSystems = 0;
  readonly errors: Partial<Record<Code, number>> = {};
  /** ms, the last WINDOW of them */
  readonly #latencies = new Float64Array(WINDOW);
  #replies = 0;

  batch(systems: number, atoms: number): void {
    this.batches++;
    this.systems += systems;
    this.atoms += atoms;
    if (systems > this.maxSystems) this.maxSystems = systems;
  }

  reply(milliseconds: number): void {
    this.#latencies[this.#replies++ % WINDOW] = milliseconds;
  }

  error(code: Code): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1;
  }

  /** s */
  get uptime(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** ms; 0 before the first reply */
  latency(): { p50: number; p95: number; p99: number } {
    const sorted = this.#latencies.slice(0, Math.min(this.#replies, WINDOW)).sort();
    const at = (fraction: number) => sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? 0;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
