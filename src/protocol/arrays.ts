/**
 * The dtype of every array field, fixed by its name, and the one copy between a frame and an aligned
 * typed array. Frames are little-endian, and so must the machine be.
 */
import { MltsError } from '../errors.ts';

export const DTYPES = {
  numbers: 'int32',
  positions: 'float64',
  cell: 'float64',
  forces: 'float64',
  virial: 'float64',
  energies: 'float64',
  virials: 'float64',
  sigma_energies: 'float64',
  sigma_forces: 'float64',
  member_energies: 'float64',
  member_forces: 'float64',
  force_deviations: 'float32',
  hierarchicality: 'float64',
} as const;
export type ArrayField = keyof typeof DTYPES;

const CONSTRUCTORS = { int32: Int32Array, float64: Float64Array, float32: Float32Array } as const;
/** The typed array of one array field. */
export type ArrayOf<Field extends ArrayField> = InstanceType<(typeof CONSTRUCTORS)[(typeof DTYPES)[Field]]>;

if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
  throw new MltsError('E_UNAVAILABLE', 'this machine is big-endian', 'Run mlts on a little-endian machine.');
}

export const isArrayField = (name: string): name is ArrayField => Object.hasOwn(DTYPES, name);

/** The bytes of an array, not copied. */
export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/**
 * The array behind a field's bytes, copied once into memory of its own (aligned, and free of the frame).
 * @throws MltsError E_SHAPE where the bytes are no whole number of elements
 */
export function arrayOf<Field extends ArrayField>(field: Field, bytes: Uint8Array): ArrayOf<Field> {
  const Constructor = CONSTRUCTORS[DTYPES[field]];
  const size = Constructor.BYTES_PER_ELEMENT;
  if (bytes.byteLength % size !== 0) {
    throw new MltsError(
      'E_SHAPE',
      `'${field}' has ${bytes.byteLength} bytes, not a multiple of ${size}`,
      `Send it as ${DTYPES[field]}, little-endian, in C order.`,
    );
  }
  const array = new Constructor(bytes.byteLength / size);
  bytesOf(array).set(bytes);
  return array as ArrayOf<Field>;
}
