/** How far work of known length is; nothing where stderr is no terminal. */
import { Presets, SingleBar } from 'cli-progress';

export class Bar {
  readonly #bar: SingleBar | undefined;

  constructor(total: number, unit: string) {
    if (!process.stderr.isTTY) return;
    const format = `{bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`;
    this.#bar = new SingleBar({ format, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
    this.#bar.start(total, 0);
  }

  update(done: number): void {
    this.#bar?.update(Math.floor(done));
  }

  end(): void {
    this.#bar?.stop();
  }
}
