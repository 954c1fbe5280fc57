// A client that asks for known systems in every way there is, for some seconds, and compares each answer. One dot on
// stdout for each right one; a wrong one on stderr, and exit code 1. Arguments: endpoint, cases, seed, seconds.
// Plain JavaScript, so that any Node runs it in a process of its own.
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import { Client } from '../../dist/index.js';

const [endpoint, file, seed, seconds] = process.argv.slice(2);
/** @type {{ system: import('../../src/index.ts').System, truth: import('../../src/index.ts').Result }[]} */
const cases = deserialize(readFileSync(file));
const domains = cases.filter(({ system }) => system.owned !== undefined);
const whole = cases.filter(({ system }) => system.owned === undefined);
const crystals = whole.filter(({ system }) => system.pbc !== undefined);
const choice = { precision: /** @type {const} */ ('double') };
const DOMAIN_WANT = /** @type {const} */ (['forces', 'virial', 'memberEnergies', 'forceDeviations']);

let state = Number(seed);
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
/** @template T @param {readonly T[]} list */
const any = (list) => list[Math.floor(random() * list.length)];

/** @typedef {Record<string, number | Float64Array | Float32Array | undefined>} Fields */
/** @param {typeof cases[number]} asked @param {import('../../src/index.ts').Evaluation | Error} answer */
function compare({ system, truth }, answer) {
  const got = /** @type {Fields} */ (/** @type {unknown} */ (answer));
  for (const [field, want] of Object.entries(truth)) {
    const [a, b] = [want, got[field] ?? []].map((value) => (typeof value === 'number' ? [value] : [...value]));
    const isClose = a.length === b.length && a.every((x, i) => Math.abs(x - b[i]) <= 1e-6 + 1e-9 * Math.abs(x));
    if (isClose) continue;
    const what = `${field} of ${system.numbers.length} atoms, owned ${system.owned}: ${b.slice(0, 6)} for ${a.slice(0, 6)}`;
    process.stderr.write(`${what} ${answer instanceof Error ? answer : ''}\n`, () => process.exit(1));
    return;
  }
  process.stdout.write('.');
}

const client = await Client.connect(endpoint);
const domain = await client.open({ ...choice, numbers: domains[0].system.numbers, domain: true, want: DOMAIN_WANT });
const { numbers, pbc = [true, true, true] } = crystals[0].system;
const crystal = await client.open({ ...choice, numbers, pbc });
let forgotten = 0;

const WAYS = {
  domain: async () => {
    const asked = any(domains);
    const { positions, ...changed } = asked.system;
    compare(asked, await domain.evaluate(positions, changed));
  },
  crystal: async () => {
    const asked = any(crystals);
    const { positions, ...changed } = asked.system;
    compare(asked, await crystal.evaluate(positions, changed));
  },
  alone: async () => {
    const asked = any(whole);
    compare(asked, await client.evaluate(asked.system, choice));
  },
  batch: async () => {
    const asked = Array.from({ length: 1 + Math.floor(12 * random()) }, () => any(whole));
    const got = await client.evaluateMany(
      asked.map(({ system }) => system),
      choice,
    );
    asked.forEach((one, i) => {
      compare(one, got[i]);
    });
  },
  reopen: async () => {
    const asked = any(domains);
    const { numbers, positions, owned } = asked.system;
    const session = await client.open({ ...choice, numbers, domain: true, want: DOMAIN_WANT });
    compare(asked, await session.evaluate(positions, { owned }));
    // The daemon takes back what a client forgets, and gives each no more than 256.
    if (++forgotten > 100) session.close();
  },
};
const end = performance.now() + 1000 * Number(seconds);
while (performance.now() < end) {
  await Promise.all(Array.from({ length: 1 + Math.floor(4 * random()) }, () => any(Object.values(WAYS))()));
}
client.close();
