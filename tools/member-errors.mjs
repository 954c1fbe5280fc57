// Errors of each member of a model, and of their mean, on labelled frames: what the tables of docs/ with error bars are made of.
import { loadModelAndCard } from '../dist/model/load.js';
import { openLabelled } from '../dist/training/files.js';
import { createTrainer } from '../dist/training/trainer.js';

/** @typedef {import('../dist/training/engine.js').TrainingFrame & {energy: number, forces: Float64Array}} Labelled */
/** @typedef {{energies: Float64Array, forces: Float64Array[]}} Predicted eV; eV/Å of each frame */
/** @typedef {{energy: number, forces: number}} Errors RMSE, meV/atom and eV/Å */

/** @param {string} file @returns {Promise<Labelled[]>} */
export async function framesOf(file) {
  const set = await openLabelled(file);
  return /** @type {Promise<Labelled[]>} */ (set.read(Int32Array.from({ length: set.length }, (_, i) => i)));
}

/**
 * @param {string} file of a model
 * @param {Labelled[]} frames
 * @returns {Promise<Predicted[]>} of each member
 */
export async function predictions(file, frames) {
  const { model } = await loadModelAndCard(file);
  const trainer = createTrainer(model, { precision: 'double' });
  try {
    const ids = Int32Array.from(await trainer.load(frames), (answer) => {
      if (typeof answer !== 'number') throw answer;
      return answer;
    });
    const { energies, forces } = await trainer.evaluate(ids, new Set(/** @type {const} */ (['forces'])));
    if (forces === undefined) throw new Error('no forces came back');
    const starts = [0];
    for (const { numbers } of frames) starts.push(starts[starts.length - 1] + 3 * numbers.length);
    const size = starts[frames.length];
    return Array.from({ length: trainer.members }, (_, m) => ({
      energies: energies.slice(m * frames.length, (m + 1) * frames.length),
      forces: frames.map((_, i) => forces.slice(m * size + starts[i], m * size + starts[i + 1])),
    }));
  } finally {
    trainer.close();
  }
}

/**
 * @param {Predicted} got
 * @param {Labelled[]} frames
 * @param {(frame: Labelled) => number} shift added to energies, eV
 * @returns {Errors}
 */
export function errorsOf({ energies, forces }, frames, shift = () => 0) {
  let [energy, force, components] = [0, 0, 0];
  for (const [i, frame] of frames.entries()) {
    energy += ((energies[i] + shift(frame) - frame.energy) / frame.numbers.length) ** 2;
    for (const [k, f] of frame.forces.entries()) force += (forces[i][k] - f) ** 2;
    components += frame.forces.length;
  }
  return { energy: 1e3 * Math.sqrt(energy / frames.length), forces: Math.sqrt(force / components) };
}

/** @param {Predicted[]} members @returns {Predicted} */
export function meanOf(members) {
  const of = (/** @type {Float64Array[]} */ arrays) =>
    arrays[0].map((_, k) => arrays.reduce((sum, one) => sum + one[k], 0) / arrays.length);
  return {
    energies: of(members.map(({ energies }) => energies)),
    forces: members[0].forces.map((_, i) => of(members.map(({ forces }) => forces[i]))),
  };
}

/** Mean and standard deviation. @param {number[]} values @returns {[mean: number, deviation: number]} */
export function spread(values) {
  const middle = values.reduce((sum, x) => sum + x, 0) / values.length;
  return [middle, Math.sqrt(values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1))];
}

/** Rows of a table in Markdown, the head first. @param {string[][]} rows */
export const markdown = ([head, ...rows]) =>
  `${[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
