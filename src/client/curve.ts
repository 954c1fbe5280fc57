/** CURVE on the side that connects: keys from files to sockets, and what a refusal means. */
import { readFile } from 'node:fs/promises';
import { MltsError } from '../errors.ts';
import { type KeyFile, parseKeyFile } from '../protocol/keys.ts';

/** @param keys or their file @throws MltsError E_KEYS */
export async function readKeys(keys: KeyFile | string | undefined): Promise<KeyFile | undefined> {
  if (typeof keys !== 'string') return keys;
  const text = await readFile(keys, 'utf8').catch((cause: Error) => {
    throw new MltsError(
      'E_KEYS',
      `cannot read ${keys} (${cause.message})`,
      'Make it with `mlts keys generate FILE --server KEY`.',
      { cause },
    );
  });
  return parseKeyFile(text, keys);
}

/** Options of a socket. @throws MltsError E_KEYS */
export function curve(keys: KeyFile | undefined): object {
  if (keys === undefined) return {};
  if (keys.server === undefined) {
    const remedy = 'Make the file with `mlts keys generate FILE --server KEY`.';
    throw new MltsError('E_KEYS', "the client's keys lack 'server', the public key of the server", remedy);
  }
  return { curveServerKey: keys.server, curvePublicKey: keys.public, curveSecretKey: keys.secret };
}

export const refusedKey = (endpoint: string): MltsError =>
  new MltsError(
    'E_KEYS',
    `${endpoint} refused this client's CURVE key`,
    'Have the public key added to the list of allowed clients (`mlts keys allow`).',
  );

export const disagreement = (endpoint: string): MltsError =>
  new MltsError(
    'E_KEYS',
    `${endpoint} and this client do not agree on how to connect`,
    'Give the right keys if the server wants CURVE, none if it does not; see that the port is that of an mlts server.',
  );
