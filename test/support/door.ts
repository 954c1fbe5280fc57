/** The server and the TypeScript client as one subject of the laws: what goes in comes out as if nothing lay between. */
import { RemotePotential } from '../../src/client/remote-potential.ts';
import type { EvaluateOptions, Outcome, Potential, System, Trajectory, Want } from '../../src/engine/potential.ts';
import { Server } from '../../src/server/server.ts';
import type { Subject } from '../laws/bench.ts';

export class Door implements Subject {
  readonly #server: Server;
  readonly #remote: RemotePotential;

  private constructor(server: Server, remote: RemotePotential) {
    this.#server = server;
    this.#remote = remote;
  }

  static async open(potential: Potential): Promise<Door> {
    const server = await Server.start({ potentials: [potential], endpoints: ['tcp://127.0.0.1:*'] });
    return new Door(server, await RemotePotential.connect(server.endpoints[0]));
  }

  evaluate(batch: readonly System[], want: ReadonlySet<Want>, options: EvaluateOptions = {}): Promise<Outcome[]> {
    return this.#remote.evaluate(batch, want, options);
  }

  createTrajectory(): Trajectory {
    return this.#remote.createTrajectory();
  }

  async close(): Promise<void> {
    this.#remote.close();
    await this.#server.stop();
  }
}
