/** Key files on disk: the server's own pair and the list of clients it lets in. */
import { appendFile, mkdir, open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { curveKeyPair } from 'zeromq';
import { asMltsError, MltsError } from '../errors.ts';
import { isKey, type KeyFile, parseKeyFile } from '../protocol/keys.ts';

/** Where keys live unless told otherwise. */
export const keyFolder = (): string =>
  process.env.MLTS_KEYS ?? join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'mlts', 'keys');
export const serverKeyFile = (): string => join(keyFolder(), 'server.json');
export const allowedFile = (): string => join(keyFolder(), 'allowed');

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** @throws MltsError E_KEYS for a missing or malformed file */
export async function readKeyFile(file: string): Promise<KeyFile> {
  try {
    return parseKeyFile(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if (cause instanceof MltsError) throw cause;
    throw new MltsError('E_KEYS', `no key file ${file}`, 'Make one with `mlts keys generate`.', { cause });
  }
}

/** The server's secret key, for an endpoint that is not local. @throws MltsError E_KEYS that says what needs it */
export async function secretFor(address: string, file: string): Promise<string> {
  try {
    return (await readKeyFile(file)).secret;
  } catch (cause) {
    const { what, remedy } = asMltsError(cause);
    throw new MltsError('E_KEYS', `${address} is open to other machines, which takes keys: ${what}`, remedy, { cause });
  }
}

/**
 * A new pair in a new file that only its owner reads.
 * @param server public key of the server that the owner of this file trusts
 * @throws MltsError E_KEYS where the file exists, E_FILE where it cannot be written
 */
export async function generateKeyFile(file: string, server?: string): Promise<KeyFile> {
  // A key that begins with a hyphen would look like an option to `mlts keys allow`.
  let { publicKey, secretKey } = curveKeyPair();
  while (publicKey.startsWith('-')) ({ publicKey, secretKey } = curveKeyPair());
  const keys: KeyFile = { public: publicKey, secret: secretKey, ...(server === undefined ? {} : { server }) };
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'wx', 0o600);
    await handle.writeFile(`${JSON.stringify(keys, null, 2)}\n`).finally(() => handle.close());
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' && syscall === 'open') {
      throw new MltsError(
        'E_KEYS',
        `${file} exists`,
        'Delete it first to lock out everyone who trusts its key, or name another file.',
      );
    }
    throw new MltsError(
      'E_FILE',
      `cannot write ${file}: ${(cause as Error).message}`,
      'Name a file in a folder you may write.',
      { cause },
    );
  }
  return keys;
}

export interface AllowedClient {
  readonly key: string;
  readonly name: string;
}

/**
 * The clients on a list; none where there is no such file.
 * @throws MltsError E_KEYS for a line that is not a key
 */
export async function readAllowed(file: string): Promise<AllowedClient[]> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return [];
    throw new MltsError('E_KEYS', `cannot read ${file}`, 'Make it readable to the server.', { cause });
  }
  const clients: AllowedClient[] = [];
  for (const [index, line] of content.split('\n').entries()) {
    const [key = '', ...name] = line.trim().split(/\s+/);
    if (key === '') continue;
    if (!isKey(key))
      throw new MltsError('E_KEYS', `${file}:${index + 1} does not begin with a key`, 'Correct or delete the line.');
    clients.push({ key, name: name.join(' ') });
  }
  return clients;
}

/**
 * Puts a client on the list.
 * @returns false where it was there already
 */
export async function allow(file: string, key: string, name: string): Promise<boolean> {
  if ((await readAllowed(file)).some((client) => client.key === key)) return false;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await appendFile(file, `${key} ${name}`.trimEnd().concat('\n'), { mode: 0o600 });
  } catch (cause) {
    throw new MltsError(
      'E_FILE',
      `cannot write ${file}: ${(cause as Error).message}`,
      'Name a file in a folder you may write.',
      { cause },
    );
  }
  return true;
}
