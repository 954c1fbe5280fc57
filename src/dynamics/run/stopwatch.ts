/** How fast a run is, and how much of the time is its own and not the potential's. */
import type { Potential } from '../../engine/potential.ts';
import { TimedPotential } from './timed-potential.ts';

const REFRESH_MS = 200;
const MS_PER_DAY = 86_400_000;
const FS_PER_NS = 1e6;

export class Stopwatch {
  readonly potential: TimedPotential;
  steps = 0;
  #start = 0;
  #shown = 0;

  constructor(potential: Potential) {
    this.potential = new TimedPotential(potential);
  }

  start(): void {
    this.#start = performance.now();
    this.potential.spent = 0;
    this.steps = 0;
  }

  step(): void {
    this.steps++;
  }

  /** Whether it is time to tell. */
  isDue(): boolean {
    const now = performance.now();
    if (now - this.#shown < REFRESH_MS) return false;
    this.#shown = now;
    return true;
  }

  /** @param timestep fs */
  values(step: number, steps: number, timestep: number): Record<string, string> {
    const left = ((steps - step) * this.#elapsed()) / Math.max(1, this.steps);
    return { 'ns/day': this.#rate(timestep), ETA: clock(left), own: this.#share() };
  }

  summary(stage: string, timestep: number): string {
    const perStep = this.#elapsed() / this.steps;
    return `${stage}: ${this.steps} steps in ${clock(this.#elapsed())}, ${perStep.toPrecision(3)} ms a step, ${this.#rate(timestep)} ns/day, ${this.#share()} of it integrator and bookkeeping\n`;
  }

  #elapsed(): number {
    return performance.now() - this.#start;
  }

  #rate(timestep: number): string {
    const perDay = ((this.steps / this.#elapsed()) * MS_PER_DAY * timestep) / FS_PER_NS;
    return perDay.toPrecision(3);
  }

  #share(): string {
    return `${(100 * (1 - this.potential.spent / this.#elapsed())).toFixed(1)} %`;
  }
}

/** `1:02:03` out of milliseconds. */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
