import { isObject } from './safetensors.ts';

/** One entry of a card: a value with the path that leads to it, and the checks that name both. */
export class Entry {
  readonly #value: unknown;
  readonly #path: string;
  readonly #refuse: (what: string) => never;

  constructor(value: unknown, path: string, refuse: (what: string) => never) {
    this.#value = value;
    this.#path = path;
    this.#refuse = refuse;
  }

  /** Refuses this entry: «card.members is 0, must be a count of at least 1». */
  must(rule: string): never {
    const text = this.#value === undefined ? 'missing' : JSON.stringify(this.#value);
    return this.#refuse(`${this.#path} is ${text.length > 80 ? `${text.slice(0, 77)}…` : text}, must ${rule}`);
  }

  object(): Record<string, unknown> {
    return isObject(this.#value) ? this.#value : this.must('be an object');
  }

  has(key: string): boolean {
    return Object.hasOwn(this.object(), key);
  }

  at(key: string): Entry {
    return new Entry(this.has(key) ? this.object()[key] : undefined, `${this.#path}.${key}`, this.#refuse);
  }

  /** Refuses keys that are missing or too many. */
  keys(names: readonly string[]): void {
    if (Object.keys(this.object()).sort().join() !== [...names].sort().join())
      this.must(`have exactly the keys ${names.join(', ')}`);
  }

  /** A list of at least one entry. */
  list<T>(read: (entry: Entry) => T): T[] {
    const value = this.#value;
    if (!Array.isArray(value) || value.length === 0) return this.must('be a list of at least one entry');
    return value.map((item, index) => read(new Entry(item, `${this.#path}[${index}]`, this.#refuse)));
  }

  equals(...allowed: readonly (string | number)[]): void {
    if (!allowed.includes(this.#value as string | number))
      this.must(`be ${allowed.map((value) => JSON.stringify(value)).join(' or ')}`);
  }

  string(): string {
    return typeof this.#value === 'string' ? this.#value : this.must('be a string');
  }

  number(): number {
    return typeof this.#value === 'number' && Number.isFinite(this.#value)
      ? this.#value
      : this.must('be a finite number');
  }

  positive(): number {
    return this.number() > 0 ? this.number() : this.must('be positive');
  }

  count(least: number): number {
    return Number.isSafeInteger(this.#value) && this.number() >= least
      ? this.number()
      : this.must(`be a count of at least ${least}`);
  }
}
