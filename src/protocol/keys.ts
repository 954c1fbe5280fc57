/** CURVE keys as they stand in files and options: Z85 text of 40 characters (rfc.zeromq.org/spec/32). */
import { MltsError } from '../errors.ts';

/** One end's own keys; a client's file also names the public key of the server it trusts. */
export interface KeyFile {
  readonly public: string;
  readonly secret: string;
  readonly server?: string;
}

export const isKey = (text: string): boolean => /^[0-9a-zA-Z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/.test(text);

/** @throws MltsError E_KEYS */
export function checkKey(text: unknown, whose: string): string {
  if (typeof text === 'string' && isKey(text)) return text;
  const found = typeof text === 'string' ? `${text.length} characters` : typeof text;
  throw new MltsError(
    'E_KEYS',
    `${whose} is not a CURVE key (${found})`,
    'A key is 40 characters of Z85, as `mlts keys show` prints it.',
  );
}

/**
 * @param name of the file, for errors
 * @throws MltsError E_KEYS
 */
export function parseKeyFile(text: string, name: string): KeyFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new MltsError('E_KEYS', `${name} is not JSON`, 'Make a key file with `mlts keys generate`.', { cause });
  }
  const fields: Record<string, unknown> = typeof content === 'object' && content !== null ? { ...content } : {};
  return {
    public: checkKey(fields.public, `'public' of ${name}`),
    secret: checkKey(fields.secret, `'secret' of ${name}`),
    ...(fields.server === undefined ? {} : { server: checkKey(fields.server, `'server' of ${name}`) }),
  };
}
