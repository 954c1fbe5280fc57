/** What may stand after `--bind`, and who may connect there. */
import { MltsError } from '../errors.ts';

export interface Endpoint {
  /** As libzmq takes it. */
  readonly address: string;
  /** Local users only: loopback or ipc. Anything else is served over CURVE. */
  readonly local: boolean;
  /** File of an ipc socket; absent for tcp and for abstract names. */
  readonly path?: string;
  readonly ipv6: boolean;
}

const FORMS = 'Write tcp://HOST:PORT (PORT may be *) or ipc:///PATH.';
/** Longest path of a Unix socket on Linux, bytes (unix(7), sun_path less its terminator). */
const LONGEST_PATH = 107;

const invalid = (text: string, why: string): MltsError =>
  new MltsError('E_ADDRESS', `endpoint '${text}': ${why}`, FORMS);

/** @throws MltsError E_ADDRESS */
export function parseEndpoint(text: string): Endpoint {
  const ipc = /^ipc:\/\/(.+)$/.exec(text);
  if (ipc?.[1] !== undefined) {
    const path = ipc[1];
    if (Buffer.byteLength(path) > LONGEST_PATH) throw invalid(text, `the path is longer than ${LONGEST_PATH} bytes`);
    return { address: text, local: true, ipv6: false, ...(path.startsWith('@') ? {} : { path }) };
  }
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^\s[\]:/]+):(\*|\d{1,5})$/.exec(text);
  if (tcp?.[1] === undefined || tcp[2] === undefined) throw invalid(text, 'not a tcp or ipc address');
  if (tcp[2] !== '*' && Number(tcp[2]) > 65535) throw invalid(text, 'ports end at 65535');
  const host = tcp[1] === 'localhost' ? '127.0.0.1' : tcp[1];
  const local = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || host === '[::1]' || host === 'lo';
  return { address: `tcp://${host}:${tcp[2] === '0' ? '*' : tcp[2]}`, local, ipv6: host.startsWith('[') };
}
