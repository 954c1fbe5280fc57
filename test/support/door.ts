/** The server and the TypeScript client as one subject of the laws: what goes in comes out as if nothing lay between. */
import { Client } from '../../src/client/client.ts';
import type { Session } from '../../src/client/session.ts';
import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../../src/engine/potential.ts';
import { MltsError } from '../../src/errors.ts';
import { Server } from '../../src/server/server.ts';
import type { Subject } from '../laws/bench.ts';

/** A trajectory of the door: one session, opened anew where a session cannot follow (other periodicity, domain or want). */
interface Lane extends Trajectory {
  kind?: string;
  session?: Session;
}

export class Door implements Subject {
  readonly #server: Server;
  readonly #client: Client;

  private constructor(server: Server, client: Client) {
    this.#server = server;
    this.#client = client;
  }

  static async open(potential: Potential): Promise<Door> {
    const limits = { maxClientQueue: 1000 };
    const server = await Server.start({ potentials: [potential], endpoints: ['tcp://127.0.0.1:*'], limits });
    return new Door(server, await Client.connect(server.endpoints[0]));
  }

  async evaluate(batch: readonly System[], want: ReadonlySet<Want>, options: EvaluateOptions = {}): Promise<Outcome[]> {
    const choice = { want: [...want], ...(options.precision ? { precision: options.precision } : {}) };
    const isPlain = (system: System) => system.owned === undefined && system.trajectory === undefined;
    if (batch.every(isPlain)) return (await this.#client.evaluateMany(batch, choice)).map(bare);
    return Promise.all(
      batch.map(async (system) => {
        const lane = (system.trajectory ?? this.createTrajectory()) as Lane;
        const { pbc, numbers, positions, cell, owned } = system;
        const domain = owned !== undefined;
        const kind = JSON.stringify([pbc, domain, choice]);
        try {
          if (lane.kind !== kind) {
            lane.close();
            lane.session = await this.#client.open({ ...choice, numbers, domain, ...(pbc && !domain ? { pbc } : {}) });
            lane.kind = kind;
          }
          const step = { numbers, ...(domain ? { owned } : { cell }) };
          return bare((await lane.session?.evaluate(positions, step)) as Outcome);
        } catch (error) {
          if (error instanceof MltsError) return error;
          throw error;
        } finally {
          if (system.trajectory === undefined) lane.close();
        }
      }),
    );
  }

  createTrajectory(): Trajectory {
    const lane: Lane = {
      close: () => {
        lane.session?.close();
        delete lane.session;
        delete lane.kind;
      },
    };
    return lane;
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#server.stop();
  }
}

/** Without what a client adds to a result. */
function bare(outcome: Outcome): Outcome {
  if (outcome instanceof MltsError) return outcome;
  const { sha256, sigma, ...result } = outcome as Outcome & { sha256?: string; sigma?: object };
  return result as Outcome;
}
