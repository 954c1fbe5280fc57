/** NumPy arrays as streams of rows. Format: numpy.lib.format, versions 1–3. */
import type { Readable } from 'node:stream';
import { MltsError } from '../../errors.ts';
import type { Column } from './columns.ts';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const MAX_HEADER = 1 << 20;

type Decode = (bytes: DataView, at: number, little: boolean) => number;
const KINDS: Readonly<Record<string, Decode>> = {
  f8: (view, at, little) => view.getFloat64(at, little),
  f4: (view, at, little) => view.getFloat32(at, little),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  i4: (view, at, little) => view.getInt32(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  i1: (view, at) => view.getInt8(at),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  u4: (view, at, little) => view.getUint32(at, little),
  u2: (view, at, little) => view.getUint16(at, little),
  u1: (view, at) => view.getUint8(at),
  b1: (view, at) => view.getUint8(at),
};

/** @throws MltsError E_FILE where it is no array of numbers, or ends too early */
export async function openNpy(name: string, stream: Readable): Promise<Column & { close(): void }> {
  const chunks = stream[Symbol.asyncIterator]();
  let pending: Buffer[] = [];
  let size = 0;
  const take = async (bytes: number): Promise<Buffer> => {
    while (size < bytes) {
      const { value, done } = await chunks.next();
      if (done) throw bad(name, 'it ends in the middle');
      pending.push(value as Buffer);
      size += (value as Buffer).length;
    }
    const all = pending.length === 1 ? pending[0] : Buffer.concat(pending);
    pending = [all.subarray(bytes)];
    size -= bytes;
    return all.subarray(0, bytes);
  };
  const close = () => void stream.destroy();
  try {
    const head = await take(8);
    if (!head.subarray(0, 6).equals(MAGIC)) throw bad(name, 'it does not begin like one');
    const length = head[6] === 1 ? (await take(2)).readUInt16LE() : (await take(4)).readUInt32LE();
    if (length > MAX_HEADER) throw bad(name, `a header of ${length} bytes`);
    const { shape, decode, width, little } = parseHeader(name, (await take(length)).toString('latin1'));
    const perRow = shape.slice(1).reduce((product, extent) => product * extent, 1);
    const next = async (rows: number) => {
      const bytes = await take(rows * perRow * width);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      return Float64Array.from({ length: rows * perRow }, (_, i) => decode(view, i * width, little));
    };
    return { name, shape, next, close };
  } catch (error) {
    close();
    throw error;
  }
}

function parseHeader(name: string, text: string) {
  const type = /'descr':\s*'([<>|=])(\w+)'/.exec(text);
  const extents = /'shape':\s*\(([\d,\sL]*)\)/.exec(text);
  if (extents === null || type === null) throw bad(name, 'its type is no plain number');
  const decode = KINDS[type[2]];
  if (decode === undefined) throw bad(name, `its type is '${type[1]}${type[2]}', not real or integer`);
  const shape = extents[1].split(',').flatMap((part) => (part.trim() === '' ? [] : [Number.parseInt(part, 10)]));
  if (/'fortran_order':\s*True/.test(text) && shape.length > 1) throw bad(name, 'it is in the order of Fortran');
  if (!Number.isSafeInteger(shape.reduce((product, extent) => product * extent, 8)))
    throw bad(name, 'its shape is too large');
  return { shape, decode, width: Number(type[2].slice(1)), little: type[1] !== '>' };
}

const bad = (name: string, what: string): MltsError =>
  new MltsError(
    'E_FILE',
    `${name} is no array that can be read: ${what}`,
    'Save it again with numpy.save or numpy.savez.',
  );
