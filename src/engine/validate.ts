/**
 * What a system must be before anything is computed from it. Every backend and the server ask here, so the same
 * fault has the same words at every door.
 */
import { symbolOf } from '../elements.ts';
import { MltsError } from '../errors.ts';
import type { ModelInfo } from '../model/model.ts';
import { determinant, heights, isPeriodic, periodicCell } from './cell.ts';
import type { Result, System } from './potential.ts';

/** Beyond this a double resolves less than 2e-9 Å. */
const MAX_COORDINATE = 1e7;
/** Periodic images of the cell that may lie within the reach of one atom. */
const MAX_IMAGES = 50_000;
/** A cell is singular where its volume is less than this part of a box with its edges. */
const FLAT = 1e-9;

/**
 * The first fault of a system, or undefined: E_SHAPE, E_EMPTY, E_SPECIES, E_NONFINITE, E_LIMIT, E_CELL. Never throws.
 */
export function validateSystem(system: System, model: ModelInfo): MltsError | undefined {
  return (
    checkShape(system) ?? checkSpecies(system, model) ?? checkPositions(system.positions) ?? checkCell(system, model)
  );
}

/** Energies or forces that are not finite, as an error. */
export function resultFault(result: Result): MltsError | undefined {
  const remedy = 'The structure lies far outside what the model was trained on: look at its distances.';
  if (!Number.isFinite(result.energy)) return new MltsError('E_NONFINITE', `the energy is ${result.energy}`, remedy);
  const bad = result.forces?.findIndex((force) => !Number.isFinite(force)) ?? -1;
  if (bad < 0) return undefined;
  const atom = Math.floor(bad / 3);
  return new MltsError('E_NONFINITE', `the force on atom ${atom} is ${result.forces![bad]}`, remedy, { atom });
}

/** Two atoms closer than the model allows. @param distance Å */
export function overlap(first: number, second: number, distance: number, model: ModelInfo): MltsError {
  const pair = first === second ? `atom ${first} and its periodic image` : `atoms ${first} and ${second}`;
  const what = `${pair} are ${distance.toFixed(4)} Å apart, ${model.name} needs at least ${model.minDistance} Å`;
  return new MltsError('E_OVERLAP', what, 'Move them apart or relax the structure first.', { atom: first });
}

/** More neighbours within the cutoff than any real structure has. */
export function crowded(atom: number, bound: number, model: ModelInfo): MltsError {
  const what = `atom ${atom} has more than ${bound} neighbours within ${model.cutoff} Å`;
  return new MltsError('E_LIMIT', what, 'Look at the cell and at the units of the structure.', { atom });
}

function shapeFault(what: string): MltsError {
  return new MltsError('E_SHAPE', what, 'Send arrays of the documented type and length.');
}

function checkShape({ numbers, positions, cell, pbc, owned }: System): MltsError | undefined {
  if (!(numbers instanceof Int32Array)) return shapeFault('numbers must be an Int32Array');
  if (!(positions instanceof Float64Array)) return shapeFault('positions must be a Float64Array');
  const n = numbers.length;
  if (positions.length !== 3 * n) {
    return shapeFault(`positions has ${positions.length} values, ${n} atoms need ${3 * n}`);
  }
  if (cell !== undefined) {
    if (!(cell instanceof Float64Array)) return shapeFault('cell must be a Float64Array');
    if (cell.length !== 9) return shapeFault(`cell has ${cell.length} values, must have 9`);
  }
  if (pbc !== undefined && !(pbc.length === 3 && pbc.every((axis) => typeof axis === 'boolean'))) {
    return shapeFault('pbc must be three booleans');
  }
  if (owned === undefined) {
    return n > 0 ? undefined : new MltsError('E_EMPTY', 'the system has no atoms', 'Send at least one atom.');
  }
  if (!Number.isInteger(owned) || owned < 0 || owned > n) {
    return shapeFault(`owned is ${owned}, must be a count from 0 to the number of atoms ${n}`);
  }
  return isPeriodic(pbc) ? shapeFault('a domain (with owned) must have no periodic directions') : undefined;
}

function checkSpecies({ numbers }: System, model: ModelInfo): MltsError | undefined {
  const known = new Uint8Array(256);
  for (const number of model.elements) known[number] = 1;
  for (let atom = 0; atom < numbers.length; atom++) {
    if (known[numbers[atom]] === 1) continue;
    const what = `${symbolOf(numbers[atom])} (atom ${atom}) is not in ${model.name}, which knows ${model.elements.map(symbolOf).join(' ')}`;
    return new MltsError(
      'E_SPECIES',
      what,
      `Use a model that lists ${symbolOf(numbers[atom])}, or leave the atom out.`,
      { atom },
    );
  }
  return undefined;
}

function checkPositions(positions: Float64Array): MltsError | undefined {
  for (let i = 0; i < positions.length; i++) {
    if (Math.abs(positions[i]) <= MAX_COORDINATE) continue;
    const atom = Math.floor(i / 3);
    const what = `the ${'xyz'[i % 3]} coordinate of atom ${atom} is ${positions[i]}`;
    if (Number.isFinite(positions[i])) {
      return new MltsError(
        'E_LIMIT',
        `${what} Å, must be within ±${MAX_COORDINATE} Å`,
        'Wrap or shift the structure.',
        { atom },
      );
    }
    return new MltsError(
      'E_NONFINITE',
      `${what}, must be a finite number`,
      'Look for the step before that went wrong.',
      { atom },
    );
  }
  return undefined;
}

function checkCell({ cell, pbc }: System, model: ModelInfo): MltsError | undefined {
  if (!isPeriodic(pbc)) return undefined;
  const axes = [0, 1, 2].filter((axis) => pbc[axis]);
  const periodic = axes.map((axis) => 'abc'[axis]).join(', ');
  const fault = (what: string, remedy: string) => new MltsError('E_CELL', what, remedy);
  if (cell === undefined)
    return fault(`pbc is on along ${periodic} but there is no cell`, 'Send the cell, or switch pbc off.');
  const bad = cell.findIndex((value) => !(Math.abs(value) <= MAX_COORDINATE));
  if (bad >= 0) {
    const what = `component ${'xyz'[bad % 3]} of cell vector ${'abc'[Math.floor(bad / 3)]} is ${cell[bad]}`;
    const code = Number.isFinite(cell[bad]) ? 'E_LIMIT' : 'E_NONFINITE';
    return new MltsError(
      code,
      `${what}, must be within ±${MAX_COORDINATE} Å`,
      'Look for the step before that went wrong.',
    );
  }
  const lengths = [0, 1, 2].map((axis) => Math.hypot(cell[3 * axis], cell[3 * axis + 1], cell[3 * axis + 2]));
  for (const axis of axes) {
    if (lengths[axis] === 0)
      return fault(`cell vector ${'abc'[axis]} is zero but periodic`, 'Give it a length, or switch its pbc off.');
  }
  const volume = determinant(cell);
  if (volume < -FLAT * lengths[0] * lengths[1] * lengths[2]) {
    return fault(
      `the cell is left-handed (determinant ${volume.toPrecision(6)} Å³)`,
      'Exchange two cell vectors, or negate all three.',
    );
  }
  const effective = periodicCell(cell, pbc);
  const box = axes.reduce((product, axis) => product * lengths[axis], 1);
  const size = determinant(effective);
  if (!(size > FLAT * box))
    return fault(`the cell is singular: its vectors along ${periodic} are not independent`, 'Send a cell with volume.');
  const tall = heights(effective);
  const images = axes.reduce((product, axis) => product * (2 * Math.ceil(model.cutoff / tall[axis]) + 1), 1);
  if (images <= MAX_IMAGES) return undefined;
  const what = `the cell is only ${axes.map((axis) => tall[axis].toPrecision(3)).join(', ')} Å high along ${periodic}`;
  return fault(
    `${what}: ${images} images within ${model.cutoff} Å, at most ${MAX_IMAGES}`,
    'Send a reduced cell, or a larger one.',
  );
}
