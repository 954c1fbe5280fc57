/** Which version of the protocol two ends speak. */
import { MltsError } from '../errors.ts';

export const PROTOCOL_VERSION = 1;

/**
 * The version both ends will use: the highest that both know.
 * @param offered the highest version the client speaks; it speaks all before it, too
 * @throws MltsError E_VERSION
 */
export function negotiate(offered: number): number {
  if (offered >= 1) return Math.min(offered, PROTOCOL_VERSION);
  throw new MltsError(
    'E_VERSION',
    `the client speaks protocol versions up to ${offered}, this server ${PROTOCOL_VERSION}`,
    `Use a client that speaks version ${PROTOCOL_VERSION}.`,
  );
}
