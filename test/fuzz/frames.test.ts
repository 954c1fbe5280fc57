/** Any bytes at a real server: a typed error or nothing, never its end, never unbounded memory. */
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../src/errors.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import { frames } from '../support/frames.ts';
import { Bare, chain, startSprings } from '../support/servers.ts';

const requests = Object.entries(frames)
  .filter(([name]) => name.endsWith('-request'))
  .map(([, message]) => encode(message));

/** What random, cut, flipped, spliced and stretched frames look like. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(fc.constantFrom(...requests), fc.nat()).map(([frame, at]) => frame.slice(0, at % frame.length)),
  fc.tuple(fc.constantFrom(...requests), fc.array(fc.nat(), { minLength: 1, maxLength: 8 })).map(([frame, bits]) => {
    const flipped = frame.slice();
    for (const bit of bits) flipped[(bit >> 3) % flipped.length] ^= 1 << (bit & 7);
    return flipped;
  }),
  fc.tuple(fc.constantFrom(...requests), fc.constantFrom(...requests), fc.nat(), fc.nat()).map(([a, b, i, j]) => {
    return Uint8Array.from([...a.slice(0, i % a.length), ...b.slice(j % b.length)]);
  }),
  // Lengths of 4 GB in place of whatever stood there.
  fc
    .tuple(fc.constantFrom(...requests), fc.nat(), fc.constantFrom(0xc6, 0xdb, 0xdd, 0xdf, 0xc9))
    .map(([frame, at, token]) => {
      const lying = frame.slice();
      lying.set([token, 0xff, 0xff, 0xff, 0xff].slice(0, lying.length - (at % lying.length)), at % lying.length);
      return lying;
    }),
  fc.tuple(fc.constantFrom(0x91, 0x81), fc.integer({ min: 1, max: 100_000 })).map(([token, depth]) => {
    const deep = new Uint8Array(2 + depth).fill(token);
    deep.set([0x81, 0xa0]);
    return deep;
  }),
);

const packr = new Packr({ useRecords: false });

/** The fields of requests, with any values in them. */
const anything = fc.oneof(
  { depthSize: 'small' },
  fc.constantFrom(undefined, null, true, '', 'ani-2x', '__proto__', 'constructor', [], {}),
  fc.integer(),
  fc.double(),
  fc.uint8Array({ maxLength: 96 }),
  fc.array(fc.boolean(), { maxLength: 4 }),
  fc.array(fc.constantFrom('forces', 'sigma', 'nothing'), { maxLength: 3 }),
  fc.object({ maxDepth: 2 }),
);
const fields = [
  'model',
  'sha256',
  'numbers',
  'positions',
  'cell',
  'pbc',
  'precision',
  'want',
  'domain',
  'owned',
  'session',
  'systems',
  'version',
  'units',
  '__proto__',
];
const message = fc
  .tuple(
    fc.constantFrom('hello', 'models', 'open', 'evaluate', 'close', 'ping', 'stats'),
    fc.record(Object.fromEntries(fields.map((field) => [field, anything])), { requiredKeys: [] }),
  )
  .map(([type, rest]) => packr.pack(new Map([...Object.entries(rest), ['type', type], ['id', 1]])));

describe('any bytes', () => {
  it('get one typed reply each, and leave the server as it was', async () => {
    const { endpoint, springs, server } = await startSprings({ limits: { maxClientSessions: 50 } });
    const fuzzer = new Bare(endpoint);
    const witness = new Bare(endpoint);
    await witness.ask({ type: 'ping', id: 0 });
    const before = process.memoryUsage().rss;
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(bytes, message), { minLength: 1, maxLength: 20 }), async (batch) => {
        for (const frame of batch) await fuzzer.send(frame);
        for (const _ of batch) {
          const [reply] = await fuzzer.socket.receive();
          const map = decode(reply, { maxBytes: 2 ** 26, maxDepth: 8, maxValues: 2 ** 20 });
          if (map.type === 'error') {
            expect(Object.keys(CODES)).toContain(map.code);
            expect(map.code).not.toBe('E_INTERNAL');
            expect(map.what).not.toBe('');
            expect(map.remedy).not.toBe('');
          } else {
            expect(['hello', 'models', 'open', 'evaluate', 'close', 'ping', 'stats']).toContain(map.type);
          }
        }
        sent += batch.length;
        const reply = await witness.ask({ type: 'evaluate', id: sent, ...chain(3) });
        expect(reply).toMatchObject({ id: sent, natoms: 3, energy: 14 });
      }),
      { numRuns: 1500 },
    );
    expect(sent).toBeGreaterThan(5000);
    expect(server.stats().queue).toEqual({ requests: 0, atoms: 0 });
    expect(springs.trajectories).toBeLessThanOrEqual(50);
    // Room for the collector; a single array of 4 GB would show.
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 29);
  }, 120_000);
});
