/** A client that makes MD-like steps of one structure at one server. */
import { Client } from '../../src/client/client.ts';
import type { Session } from '../../src/client/session.ts';
import { numberOf } from '../../src/elements.ts';
import { type Structure, uniform } from './structures.ts';

const WARM_UP = 10;
const SHIFT = 0.01; // Å, about what an atom moves in a step

export class Stepper {
  readonly #client: Client;
  readonly #session: Session;
  readonly #home: Float64Array;
  readonly #positions: Float64Array;
  readonly #random = uniform(4);

  private constructor(client: Client, session: Session, home: Float64Array) {
    this.#client = client;
    this.#session = session;
    this.#home = home;
    this.#positions = home.slice();
  }

  static async open(endpoint: string, { symbols, positions, cell }: Structure): Promise<Stepper> {
    const client = await Client.connect(endpoint);
    const numbers = Int32Array.from(symbols, (symbol) => numberOf(symbol) ?? 0);
    const periodic = cell === undefined ? {} : { cell, pbc: [true, true, true] as const };
    return new Stepper(client, await client.open({ numbers, ...periodic }), positions);
  }

  /** Moves every atom a little about its place, then evaluates forces, virial and σ; how long that took, ms. */
  async step(): Promise<number> {
    for (let i = 0; i < this.#home.length; i++) this.#positions[i] = this.#home[i] + SHIFT * (this.#random() - 0.5);
    const start = performance.now();
    await this.#session.evaluate(this.#positions);
    return performance.now() - start;
  }

  /** Times of the steps that fit into `seconds` after a few that do not count, ms. */
  async times(seconds: number): Promise<number[]> {
    for (let i = 0; i < WARM_UP; i++) await this.step();
    const times: number[] = [];
    const end = performance.now() + 1000 * seconds;
    while (performance.now() < end) times.push(await this.step());
    return times;
  }

  close(): void {
    this.#client.close();
  }
}
