/**
 * A data set in one file, of which any frames are read without the rest:
 *
 *     "MLTSDATA"          8 bytes
 *     records             one a frame, each a multiple of 8 bytes (record.ts)
 *     offsets             float64 [n+1] from the start of the file: where each record begins, and where the last one ends
 *     natoms, checksums   uint32 [n] each; CRC-32 of each record
 *     structures          [n, 32] structureHash of each frame
 *     footer              JSON: version, length, hash (SHA-256 of all records in their order)
 *     tail                float64 start of the footer, uint32 its bytes, uint32 CRC-32 of offsets … footer, "MLTSDATA"
 *
 * Little-endian. The file appears under its name when it is complete; an import that is killed leaves no data set.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { MltsError, systemReason } from '../errors.ts';
import { OutputFile } from '../io/write.ts';
import { type Dataset, type Frame, structureHash } from './dataset.ts';
import { decode, encode } from './record.ts';

const MAGIC = Buffer.from('MLTSDATA');
const VERSION = 1;
const HASH = 32;
const TAIL = 24;
const CHUNK = 1 << 20;
/** Bytes of the index of one frame: offset, natoms, checksum, hash. */
const INDEX = 8 + 4 + 4 + HASH;

/** Writes a data set frame by frame. `commit` makes it appear; `discard` in any case. */
export class DatasetWriter {
  readonly #file: OutputFile;
  readonly #hash = createHash('sha256');
  #pending: Buffer[] = [MAGIC];
  #pendingBytes = MAGIC.length;
  readonly #offsets: number[] = [MAGIC.length];
  readonly #natoms: number[] = [];
  readonly #checksums: number[] = [];
  /** Grows by doubling. */
  #structures = Buffer.alloc(HASH << 10);

  /** @throws MltsError E_DISK where it cannot be created */
  constructor(file: string) {
    this.#file = new OutputFile(file);
  }

  /** @throws MltsError E_DISK; E_EMPTY without atoms; E_SHAPE where an array has the wrong length */
  add(frame: Frame): void {
    const record = encode(frame);
    this.#hash.update(record);
    this.#offsets.push(this.#offsets.at(-1)! + record.length);
    this.#natoms.push(frame.numbers.length);
    this.#checksums.push(crc32(record));
    this.#addStructure(structureHash(frame));
    this.#pending.push(record);
    this.#pendingBytes += record.length;
    if (this.#pendingBytes >= CHUNK) this.#flush();
  }

  /** @throws MltsError E_DISK; E_EMPTY where no frame was added */
  commit(): void {
    const length = this.#natoms.length;
    if (length === 0) throw new MltsError('E_EMPTY', `${this.#file.file} has no frames`, 'Give labelled structures.');
    const index = Buffer.concat([
      Buffer.from(Float64Array.from(this.#offsets).buffer),
      Buffer.from(Uint32Array.from(this.#natoms).buffer),
      Buffer.from(Uint32Array.from(this.#checksums).buffer),
      this.#structures.subarray(0, HASH * length),
    ]);
    const footer = Buffer.from(JSON.stringify({ version: VERSION, length, hash: this.#hash.digest('hex') }));
    const tail = Buffer.alloc(TAIL);
    tail.writeDoubleLE(this.#offsets[length] + index.length, 0);
    tail.writeUInt32LE(footer.length, 8);
    tail.writeUInt32LE(crc32(footer, crc32(index)), 12);
    MAGIC.copy(tail, 16);
    this.#pending.push(index, footer, tail);
    this.#flush();
    this.#file.commit();
  }

  get length(): number {
    return this.#natoms.length;
  }

  discard(): void {
    this.#file.discard();
  }

  #addStructure(hash: Buffer): void {
    const at = HASH * (this.#natoms.length - 1);
    if (at === this.#structures.length) this.#structures = Buffer.concat([this.#structures, Buffer.alloc(at)]);
    hash.copy(this.#structures, at);
  }

  #flush(): void {
    this.#file.write(Buffer.concat(this.#pending));
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

/** A data set on disk; holds only its index, 48 bytes a frame. */
export class StoredDataset implements Dataset {
  readonly length: number;
  readonly hash: string;
  readonly #file: string;
  readonly #fd: number;
  readonly #offsets: Float64Array;
  readonly #natoms: Uint32Array;
  readonly #checksums: Uint32Array;
  readonly #structures: Buffer;

  /** @throws MltsError E_FILE where it cannot be read, is no data set, is truncated or damaged; E_VERSION */
  constructor(file: string) {
    this.#file = file;
    this.#fd = this.#attempt(() => openSync(file, 'r'));
    try {
      const { index, length, hash } = this.#readIndex();
      [this.length, this.hash] = [length, hash];
      this.#offsets = new Float64Array(index.buffer, 0, length + 1);
      this.#natoms = new Uint32Array(index.buffer, 8 * (length + 1), length);
      this.#checksums = new Uint32Array(index.buffer, 8 * (length + 1) + 4 * length, length);
      this.#structures = Buffer.from(index.buffer, 8 * (length + 1) + 8 * length, HASH * length);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  natoms(frame: number): number {
    return this.#natoms[this.#inside(frame)];
  }

  structure(frame: number): string {
    return this.#structures.toString('hex', HASH * this.#inside(frame), HASH * (frame + 1));
  }

  read(frames: ArrayLike<number>): Frame[] {
    return Array.from(frames, (frame) => {
      const start = this.#offsets[this.#inside(frame)];
      const record = this.#bytes(start, this.#offsets[frame + 1] - start);
      if (crc32(record) !== this.#checksums[frame]) throw this.#damaged(`frame ${frame} has the wrong checksum`);
      return decode(record);
    });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #readIndex(): { index: Buffer; length: number; hash: string } {
    const size = this.#attempt(() => fstatSync(this.#fd).size);
    if (size < MAGIC.length + TAIL || !this.#bytes(0, MAGIC.length).equals(MAGIC)) {
      throw new MltsError('E_FILE', `${this.#file} is no data set of mlts`, 'Import it first.');
    }
    const tail = this.#bytes(size - TAIL, TAIL);
    if (!tail.subarray(16).equals(MAGIC)) throw this.#damaged('it ends in the middle');
    const [at, bytes] = [tail.readDoubleLE(0), tail.readUInt32LE(8)];
    if (!Number.isSafeInteger(at) || at < MAGIC.length || at + bytes !== size - TAIL) {
      throw this.#damaged('its footer is not where it should be');
    }
    const footer = this.#bytes(at, bytes);
    const { version, length, hash } = this.#parse(footer);
    if (version !== VERSION) {
      const what = `${this.#file} has version ${version} of the format; this is ${VERSION}`;
      throw new MltsError('E_VERSION', what, 'Import it again, or use the mlts that wrote it.');
    }
    const indexBytes = INDEX * length + 8;
    if (!Number.isSafeInteger(length) || length < 1 || at - indexBytes < MAGIC.length) {
      throw this.#damaged(`it cannot have ${length} frames`);
    }
    const index = this.#bytes(at - indexBytes, indexBytes);
    if (crc32(footer, crc32(index)) !== tail.readUInt32LE(12)) throw this.#damaged('its index has the wrong checksum');
    return { index, length, hash };
  }

  #parse(footer: Buffer): { version: number; length: number; hash: string } {
    try {
      return JSON.parse(footer.toString());
    } catch {
      throw this.#damaged('its footer is not JSON');
    }
  }

  #bytes(start: number, length: number): Buffer<ArrayBuffer> {
    const buffer = Buffer.from(new ArrayBuffer(length));
    for (let at = 0; at < length; ) {
      const got = this.#attempt(() => readSync(this.#fd, buffer, at, length - at, start + at));
      if (got === 0) throw this.#damaged('it ends in the middle');
      at += got;
    }
    return buffer;
  }

  #inside(frame: number): number {
    if (Number.isInteger(frame) && frame >= 0 && frame < this.length) return frame;
    const what = `${this.#file} has no frame ${frame}: it holds ${this.length}`;
    throw new MltsError('E_USAGE', what, 'Choose a frame inside the data set.');
  }

  #damaged(what: string): MltsError {
    return new MltsError('E_FILE', `${this.#file} is damaged: ${what}`, 'Copy it again, or import it again.');
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      const what = `${this.#file} cannot be read (${systemReason(cause)})`;
      throw new MltsError('E_FILE', what, 'Check the path and the permissions.', { cause });
    }
  }
}
