/** A line on the terminal that says how far long work is; nothing where stderr is no terminal. */
const QUIET_MS = 1000;
const REFRESH_MS = 100;

export class Progress {
  readonly #unit: string;
  readonly #start = performance.now();
  #shown = 0;

  constructor(unit: string) {
    this.#unit = unit;
  }

  /** @param detail said behind the rate */
  update(done: number, detail = ''): void {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.#start < QUIET_MS || now - this.#shown < REFRESH_MS) return;
    this.#shown = now;
    const rate = (done / (now - this.#start)) * 1000;
    process.stderr.write(`\r\x1b[K${done} ${this.#unit}, ${rate.toPrecision(3)} a second${detail && `; ${detail}`}`);
  }

  clear(): void {
    if (this.#shown > 0) process.stderr.write('\r\x1b[K');
    this.#shown = 0;
  }
}
