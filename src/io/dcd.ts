import { closeSync, openSync, readSync } from 'node:fs';
import { MltsError, systemReason } from '../errors.ts';
import type { Structure } from './structure.ts';

/** CHARMM's unit of time, fs. */
const AKMA = 48.88821;
/** Larger records are damage: 16 million atoms. */
const MAX_RECORD = 1 << 26;

/**
 * DCD trajectories of CHARMM, NAMD, LAMMPS and mlts: little-endian Fortran records, one frame in memory at a time. The cell comes as
 * lengths and angles (or their cosines), a along x and b in the xy plane. Source: VMD's dcdplugin.c
 * @param numbers atomic numbers, which the format does not hold
 * @throws MltsError E_FILE where it is none or ends within a frame, E_SHAPE where the numbers are of another structure
 */
export function* readDcd(file: string, numbers: Int32Array | undefined): Generator<Structure> {
  const records = new Records(file);
  try {
    const control = records.need('the header');
    if (control.length !== 84 || control.toString('latin1', 0, 4) !== 'CORD') {
      throw records.error('it does not begin as a DCD file', 'Check that it is one.');
    }
    const at = (index: number) => control.readInt32LE(4 + 4 * index);
    if (at(8) !== 0) throw records.error('it has fixed atoms', 'Write all atoms into every frame.');
    const [first, stride] = [at(1), Math.max(1, at(2))];
    const interval = stride * control.readFloatLE(4 + 4 * 9) * AKMA;
    const hasCell = at(10) === 1;
    records.need('the title');
    const count = records.need('the number of atoms').readInt32LE();
    if (numbers === undefined) {
      throw records.error('a DCD file says no elements', 'Name a structure with the same atoms (--topology).');
    }
    if (numbers.length !== count) {
      throw new MltsError(
        'E_SHAPE',
        `${file}: ${count} atoms, the topology has ${numbers.length}`,
        'Give the structure that the run began with.',
      );
    }
    for (let frame = 0; ; frame++) {
      const begin = records.next();
      if (begin === undefined) return;
      const cell = hasCell ? readCell(begin) : undefined;
      const axes = [hasCell ? records.need('x') : begin, records.need('y'), records.need('z')];
      if (axes.some((axis) => axis.length !== 4 * count)) throw records.error(`frame ${frame} is damaged`, CUT);
      yield {
        numbers,
        positions: Float64Array.from({ length: 3 * count }, (_, k) => axes[k % 3].readFloatLE(4 * Math.floor(k / 3))),
        cell,
        pbc: [hasCell, hasCell, hasCell],
        info: { step: first + frame * stride, time: frame * interval },
        arrays: {},
      };
    }
  } finally {
    records.close();
  }
}

const CUT = 'Copy it again, or write it anew.';

/** A, γ, B, β, α, C; angles in degrees, or as cosines where all are within ±1. */
function readCell(record: Buffer): Float64Array {
  const [a, gamma, b, beta, alpha, c] = Array.from({ length: 6 }, (_, k) => record.readDoubleLE(8 * k));
  const areCosines = [alpha, beta, gamma].every((value) => Math.abs(value) <= 1);
  const [cosAlpha, cosBeta, cosGamma] = [alpha, beta, gamma].map((value) =>
    areCosines ? value : value === 90 ? 0 : Math.cos((value * Math.PI) / 180),
  );
  const sinGamma = Math.sqrt(1 - cosGamma * cosGamma);
  const cy = (cosAlpha - cosBeta * cosGamma) / sinGamma;
  const cz = Math.sqrt(Math.max(0, 1 - cosBeta * cosBeta - cy * cy));
  return Float64Array.of(a, 0, 0, b * cosGamma, b * sinGamma, 0, c * cosBeta, c * cy, c * cz);
}

/** Fortran's unformatted records: length, content, length again. */
class Records {
  readonly #file: string;
  readonly #fd: number;

  constructor(file: string) {
    this.#file = file;
    try {
      this.#fd = openSync(file, 'r');
    } catch (cause) {
      const what = `${file} cannot be read (${systemReason(cause)})`;
      throw new MltsError('E_FILE', what, 'Check the path and the permissions.', { cause });
    }
  }

  /** The next record, or undefined at the end of the file. */
  next(): Buffer | undefined {
    const mark = this.#read(4);
    if (mark.length === 0) return undefined;
    const length = mark.length === 4 ? mark.readInt32LE() : -1;
    if (length < 0 || length > MAX_RECORD) throw this.error(`a record of ${length} bytes`, CUT);
    const content = this.#read(length + 4);
    if (content.length !== length + 4 || content.readInt32LE(length) !== length) {
      throw this.error('it ends within a frame, or is damaged', CUT);
    }
    return content.subarray(0, length);
  }

  need(what: string): Buffer {
    const record = this.next();
    if (record === undefined) throw this.error(`it ends where ${what} should follow`, CUT);
    return record;
  }

  error(what: string, remedy: string): MltsError {
    return new MltsError('E_FILE', `${this.#file}: ${what}`, remedy);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    let got = 0;
    while (got < bytes) {
      const more = readSync(this.#fd, buffer, got, bytes - got, null);
      if (more === 0) break;
      got += more;
    }
    return buffer.subarray(0, got);
  }
}
