/** HDF5 in the layouts of the ANI family: groups of frames of the same atoms, with coordinates [N,n,3] and their labels. */
import { accessSync, constants } from 'node:fs';
import { Group, type Dataset as H5Dataset, File as H5File, Dataset as IsDataset, ready } from 'h5wasm/node';
import { MltsError, systemReason } from '../../errors.ts';
import { elementOf } from '../../io/structure.ts';
import { type EnergyUnit, isEnergyUnit, isLengthUnit, type LengthUnit } from '../../units.ts';
import type { Frame } from '../dataset.ts';
import { type Column, type Columns, checkNumbers, framesOf, USUAL } from './columns.ts';
import { type Layout, layoutOf } from './layouts.ts';
import { type Account, inOurUnits, QUANTITIES, type Quantity, type ReadOptions } from './source.ts';

const MAX_DEPTH = 32;

/** @throws MltsError E_FILE where it is no HDF5, damaged, or holds no coordinates */
export async function* readHdf5(file: string, options: ReadOptions, account: Account): AsyncGenerator<Frame> {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new MltsError('E_FILE', `${file} cannot be read (${systemReason(cause)})`, 'Check the path.', { cause });
  }
  // Errors are thrown; nothing goes to the terminal.
  (await ready).activate_throwing_error_handler();
  const hdf5 = attempt(file, () => {
    const opened = new H5File(file, 'r');
    if (opened.file_id < 0) throw new Error('it cannot be opened');
    return opened;
  });
  try {
    let found = false;
    for (const group of attempt(file, () => groupsWithFrames(hdf5, options))) {
      found = true;
      yield* readGroup(file, group, options, account);
    }
    if (!found) {
      const what = `${file} has no group with coordinates and atomic numbers`;
      throw new MltsError('E_FILE', what, 'Say what its arrays are called: --names positions=xyz,numbers=z.');
    }
  } finally {
    hdf5.close();
  }
}

/** What the library throws about damaged files, as an error that names the file. */
function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    const why = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    throw new MltsError('E_FILE', `${file} is no HDF5 file that can be read: ${why}`, 'Copy it again.', { cause });
  }
}

const candidates = ({ names }: ReadOptions, quantity: Quantity): readonly string[] =>
  names?.[quantity] === undefined ? USUAL[quantity] : [names[quantity]];

function groupsWithFrames(root: Group, options: ReadOptions): Group[] {
  const found: Group[] = [];
  const visit = (group: Group, depth: number) => {
    const keys = group.keys();
    if (candidates(options, 'positions').some((name) => keys.includes(name))) found.push(group);
    if (depth === MAX_DEPTH) return;
    for (const key of keys) {
      const child = group.get(key);
      if (child instanceof Group) visit(child, depth + 1);
    }
  };
  visit(root, 0);
  return found;
}

async function* readGroup(file: string, group: Group, options: ReadOptions, account: Account): AsyncGenerator<Frame> {
  const name = `${file}:${group.path}`;
  const { columns, fixed, layout, textOf } = attempt(file, () => open(file, group, options));
  const conventions = {
    energy: options.energy ?? unitOf(group, columns.energy, isEnergyUnit) ?? layout.energy,
    length: options.length ?? unitOf(group, columns.positions, isLengthUnit) ?? ('angstrom' as LengthUnit),
    gradient: options.gradient ?? layout.gradient,
  };
  const forces = conventions.gradient ? '+∂E/∂R' : '−∂E/∂R';
  account.notes.add(
    `${layout.name}: energies in ${conventions.energy}, lengths in ${conventions.length}, forces ${forces}`,
  );
  const high = layout.excluded && group.get(layout.excluded);
  if (high instanceof IsDataset) {
    account.exclude(`high-energy conformers (${layout.excluded})`, name, high.shape?.[0] ?? 0);
  }
  const [level, title] = [textOf('level') ?? options.level ?? layout.level, textOf('group')];
  const own = title ?? group.path;
  const named = { ...(level && { level }), ...(own !== '' && own !== '/' && { group: own }) };
  let row = 0;
  for await (const frame of framesOf(columns, fixed)) {
    const labelled = layout.missing ? withoutMissing(frame) : frame;
    row++;
    if (layout.missing && labelled.energy === undefined && labelled.forces === undefined) {
      account.exclude(`no labels of ${layout.labels}`, `${name}, row ${row - 1}`);
      continue;
    }
    yield { ...inOurUnits(labelled, conventions), ...named };
  }
}

/** Without labels that stand there as NaN. */
function withoutMissing({ energy, forces, charges, dipole, ...rest }: Frame): Frame {
  const whole = (values: Float64Array | undefined) => values?.some(Number.isNaN) === false;
  return {
    ...rest,
    ...(energy !== undefined && !Number.isNaN(energy) && { energy }),
    ...(whole(forces) && { forces: forces! }),
    ...(whole(charges) && { charges: charges! }),
    ...(whole(dipole) && { dipole: dipole! }),
  };
}

interface Opened {
  readonly columns: Columns;
  readonly fixed: Int32Array | undefined;
  readonly layout: Layout;
  /** A text of the whole group; empty: its frames have none. */
  readonly textOf: (name: 'level' | 'group') => string | undefined;
}

function open(file: string, group: Group, options: ReadOptions): Opened {
  const keys = new Set(group.keys());
  const layout = layoutOf(keys, options.labels, `${file}:${group.path}`);
  const columns: Columns = {};
  let fixed: Int32Array | undefined;
  for (const quantity of QUANTITIES) {
    const names =
      options.names?.[quantity] === undefined
        ? (layout.names?.[quantity] ?? USUAL[quantity])
        : [options.names[quantity]];
    const name = names.find((one) => keys.has(one));
    const data = name === undefined ? null : group.get(name);
    if (!(data instanceof IsDataset)) continue;
    if (quantity === 'numbers' && data.shape?.length === 1) fixed = numbersOf(file, data);
    else columns[quantity] = columnOf(file, data);
  }
  for (const needed of ['positions', 'numbers'] as const) {
    if (columns[needed] !== undefined || (needed === 'numbers' && fixed !== undefined)) continue;
    const what = `${file}:${group.path} has no ${needed === 'numbers' ? 'atomic numbers' : 'coordinates'} that are an array`;
    throw new MltsError('E_FILE', what, `Say what they are called: --names ${needed}=NAME.`);
  }
  const textOf = (name: 'level' | 'group') => {
    const value =
      group.attrs[name]?.value ?? (name === 'level' && keys.has('lot') ? textIn(group.get('lot')) : undefined);
    return typeof value === 'string' ? value : undefined;
  };
  return { columns, fixed, layout, textOf };
}

const textIn = (entity: unknown): unknown => {
  const value = entity instanceof IsDataset ? entity.value : undefined;
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
};

/** Symbols or atomic numbers. */
function numbersOf(file: string, data: H5Dataset): Int32Array {
  const values = data.value as unknown as ArrayLike<unknown>;
  const numbers = Array.from(values, (value) =>
    typeof value === 'string' ? (elementOf(value.trim()) ?? Number.NaN) : Number(value),
  );
  return checkNumbers(numbers, `${file}:${data.path}`);
}

function columnOf(file: string, data: H5Dataset): Column {
  const shape = data.shape ?? [];
  const name = `${file}:${data.path}`;
  let at = 0;
  return {
    name,
    shape,
    next: (rows) =>
      attempt(file, () => {
        const values = data.slice([[at, at + rows]]) as ArrayLike<unknown> | null;
        at += rows;
        const isText = typeof values?.[0] === 'string';
        return Float64Array.from(values ?? [], (value) =>
          isText ? (elementOf(String(value).trim()) ?? 0) : Number(value),
        );
      }),
  };
}

/** The `units` that a data set says it has. */
function unitOf<U extends EnergyUnit | LengthUnit>(
  group: Group,
  column: Column | undefined,
  isUnit: (text: string) => text is U,
): U | undefined {
  const data = column && group.get(column.name.slice(column.name.lastIndexOf('/') + 1));
  const text = data instanceof IsDataset ? data.attrs.units?.value : undefined;
  if (typeof text !== 'string') return undefined;
  const known: Record<string, string> = { ha: 'hartree', ev: 'eV', å: 'angstrom' };
  const unit = known[text.toLowerCase()] ?? text.toLowerCase();
  return isUnit(unit) ? unit : undefined;
}
