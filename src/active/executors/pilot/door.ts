/** Where pilots come in: one endpoint, under the rules of the server. */
import { Context } from 'zeromq';
import { createLog } from '../../../log.ts';
import { parseEndpoint } from '../../../server/endpoint.ts';
import { allowedFile, secretFor, serverKeyFile } from '../../../server/keyring.ts';
import { Listener } from '../../../server/listener.ts';
import { Gatekeeper } from '../../../server/zap.ts';
import type { PilotSettings } from '../settings.ts';
import { MAX_BYTES, pack, type ToPilot } from './messages.ts';

export class Door {
  readonly address: string;
  readonly #listener: Listener;
  readonly #gatekeeper: Gatekeeper | undefined;

  private constructor(listener: Listener, gatekeeper: Gatekeeper | undefined) {
    this.address = listener.address;
    this.#listener = listener;
    this.#gatekeeper = gatekeeper;
  }

  /** @throws MltsError E_ADDRESS | E_KEYS */
  static async open({ bind, keys }: PilotSettings): Promise<Door> {
    const endpoint = parseEndpoint(bind);
    const context = new Context();
    if (endpoint.local) return new Door(await Listener.bind(endpoint, { context, maxBytes: MAX_BYTES }), undefined);
    const secretKey = await secretFor(endpoint.address, keys.server ?? serverKeyFile());
    const gatekeeper = await Gatekeeper.start(context, keys.allowed ?? allowedFile(), createLog('warn'));
    try {
      return new Door(await Listener.bind(endpoint, { context, secretKey, maxBytes: MAX_BYTES }), gatekeeper);
    } catch (error) {
      gatekeeper.close();
      throw error;
    }
  }

  /** Calls `accept` for each message until closed. */
  receive(accept: (identity: Buffer, frames: readonly Buffer[]) => void): Promise<void> {
    return this.#listener.receive(accept);
  }

  /** Fails where the pilot has left or does not read. @throws MltsError E_LIMIT */
  async send(identity: Buffer, message: ToPilot): Promise<void> {
    await this.#listener.send(identity, pack(message));
  }

  /** What was sent still leaves. */
  async close(): Promise<void> {
    await this.#listener.close();
    this.#gatekeeper?.close();
  }
}
