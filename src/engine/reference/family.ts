import type { MltsError } from '../../errors.ts';
import type { ModelInfo } from '../../model/model.ts';
import type { Outcome, System, Want } from '../potential.ts';
import { crowded, overlap } from '../validate.ts';
import { MAX_NEIGHBOURS, type Neighbourhood } from './neighbours.ts';

/** The equations of one architecture. */
export interface Family {
  /** @param system valid @param pause to be awaited now and then: lets the event loop turn, throws once cancelled */
  evaluate(system: System, want: ReadonlySet<Want>, pause: () => Promise<void>): Promise<Outcome>;
}

/** Overlapping pairs after which the search for the closest one ends. */
const ENOUGH_OVERLAPS = 1000;

/** The closest pair where it is too close; where an atom has neighbours beyond number, that. */
export async function checkDistances(
  centres: Iterable<number>,
  neighbours: (centre: number) => Neighbourhood,
  model: ModelInfo,
  pause: () => Promise<void>,
): Promise<MltsError | undefined> {
  let closest = { first: -1, second: -1, distance: Number.POSITIVE_INFINITY };
  let overlaps = 0;
  let full = -1;
  for (const i of centres) {
    await pause();
    const { atoms, distances } = neighbours(i);
    if (distances.length > MAX_NEIGHBOURS) full = i;
    for (const [k, distance] of distances.entries()) {
      if (distance >= model.minDistance && distance > 0) continue;
      overlaps++;
      if (distance < closest.distance)
        closest = { first: Math.min(i, atoms[k]), second: Math.max(i, atoms[k]), distance };
    }
    if (overlaps >= ENOUGH_OVERLAPS || full >= 0) break;
  }
  if (overlaps > 0) return overlap(closest.first, closest.second, closest.distance, model);
  return full < 0 ? undefined : crowded(full, MAX_NEIGHBOURS, model);
}
