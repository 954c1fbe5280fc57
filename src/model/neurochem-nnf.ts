/**
 * NeuroChem's network description, `ANN-<El>.nnf`: the decimal size of a text, `=`, newline, that text as a
 * bzip2 stream. The text holds `inputsize=…;`, `atom_net El $` and one `layer [ key=value; … ]` a layer.
 */
import Bunzip from 'seek-bzip';
import { MltsError } from '../errors.ts';

export interface NnfLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** File names beside the .nnf. */
  readonly weights: string;
  readonly biases: string;
}

const MAX_TEXT = 1024 * 1024;
/** NeuroChem's activation codes: CELU(α = 0.1) and identity. */
const CELU = '9';
const IDENTITY = '6';

/**
 * The layers that a .nnf file describes: CELU but for the last, which is linear with one output.
 * @throws MltsError E_MODEL naming file and entry
 */
export function parseNnf(bytes: Uint8Array, element: string, inputs: number, file: string): NnfLayer[] {
  const fail = (what: string): never => {
    throw new MltsError(
      'E_MODEL',
      `${file}: ${what}`,
      'Only NeuroChem ANI networks with CELU layers can be imported: get the set again.',
    );
  };
  const text = unpack(bytes, fail);
  const head = /^\s*inputsize=(\d+);\s*atom_net\s+(\S+)\s+\$/.exec(text);
  if (head === null) return fail('does not begin with inputsize and atom_net');
  if (head[2] !== element) fail(`describes element ${head[2]}, must be ${element}`);

  const layers: NnfLayer[] = [];
  const blocks = [...text.matchAll(/^layer \[\n(.*?)\n\]$/gms)];
  if (blocks.length === 0) fail('has no layer');
  let expected = inputs;
  for (const [index, block] of blocks.entries()) {
    const last = index === blocks.length - 1;
    const keys = new Map(block[1].split(';').map((line) => line.trim().split('=', 2) as [string, string]));
    const count = (key: string): number => {
      const value = Number(keys.get(key));
      return Number.isSafeInteger(value) && value > 0
        ? value
        : fail(`layer ${index + 1}: ${key} is ${keys.get(key)}, must be a count`);
    };
    const outputs = count('nodes');
    if (count('blocksize') !== expected)
      fail(`layer ${index + 1}: blocksize is ${keys.get('blocksize')}, must be ${expected}`);
    const activation = keys.get('activation');
    const wanted = last ? IDENTITY : CELU;
    if (activation !== wanted) {
      fail(`layer ${index + 1}: activation is ${activation}, must be ${wanted} (${last ? 'identity' : 'CELU'})`);
    }
    if (last && outputs !== 1) fail(`the last layer has ${outputs} outputs, must have 1`);
    const parameters = (key: string, size: number): string => {
      const match = /^FILE:([\w.+-]+)\[(\d+)\]$/.exec(keys.get(key) ?? '');
      if (match === null || Number(match[2]) !== size)
        return fail(`layer ${index + 1}: ${key} is ${keys.get(key)}, must be FILE:name[${size}]`);
      return match[1];
    };
    layers.push({
      inputs: expected,
      outputs,
      weights: parameters('weights', outputs * expected),
      biases: parameters('biases', outputs),
    });
    expected = outputs;
  }
  return layers;
}

function unpack(bytes: Uint8Array, fail: (what: string) => never): string {
  const equals = bytes.indexOf(0x3d);
  const size = Number(equals < 1 ? Number.NaN : new TextDecoder().decode(bytes.subarray(0, equals)));
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_TEXT || bytes[equals + 1] !== 0x0a) {
    return fail('does not begin with the size of its text');
  }
  try {
    return new TextDecoder().decode(Bunzip.decode(bytes.subarray(equals + 2), size));
  } catch (error) {
    return fail(`its bzip2 stream is damaged or has not the ${size} bytes that it names (${(error as Error).message})`);
  }
}
