/** Errors over an epoch, added up batch by batch. */
import type { BatchReport, ErrorSums } from './engine.ts';

/** Plain JSON, in the checkpoint. */
export interface Sums {
  frames: number;
  /** Loss times frames. */
  loss: number;
  energy: { count: number; squared: number };
  forces: { count: number; squared: number };
}

export const noSums = (): Sums => ({
  frames: 0,
  loss: 0,
  energy: { count: 0, squared: 0 },
  forces: { count: 0, squared: 0 },
});

export function addReport(sums: Sums, { frames, loss, energyPerAtom, forces }: BatchReport): void {
  if (frames === 0) return;
  sums.frames += frames;
  sums.loss += loss * frames;
  addErrors(sums.energy, energyPerAtom);
  addErrors(sums.forces, forces);
}

function addErrors(into: Sums['energy'], { count, squared }: ErrorSums): void {
  into.count += count;
  into.squared += squared;
}

/** What an epoch comes to. */
export interface EpochErrors {
  readonly loss: number;
  /** Root mean square, eV per atom; undefined where no frame has an energy. */
  readonly energy: number | undefined;
  /** Root mean square of components, eV/Å; undefined where no frame has forces. */
  readonly forces: number | undefined;
}

export const errorsOf = ({ frames, loss, energy, forces }: Sums): EpochErrors => ({
  loss: loss / frames,
  energy: energy.count > 0 ? Math.sqrt(energy.squared / energy.count) : undefined,
  forces: forces.count > 0 ? Math.sqrt(forces.squared / forces.count) : undefined,
});
