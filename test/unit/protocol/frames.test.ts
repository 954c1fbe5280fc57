import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../src/protocol/codec.ts';
import { frames } from '../../support/frames.ts';

const folder = fileURLToPath(new URL('../../vectors/frames/', import.meta.url));
const plain = (_key: string, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value);

/** Indented JSON, each array of numbers or booleans on one line. */
const json = (frame: object) =>
  `${JSON.stringify(frame, plain, 1).replace(/\[\s+([^[\]{}"]*?)\s+\]/g, (_, list: string) => `[${list.replace(/\s+/g, ' ')}]`)}\n`;

describe('golden frames', () => {
  // `npx vitest run test/unit/protocol/frames.test.ts -u` writes them anew after a deliberate change.
  it.each(Object.entries(frames))('%s has the bytes it always had', async (name, message) => {
    const frame = {
      schema: 1,
      name,
      madeBy: 'test/support/frames.ts',
      message,
      hex: Buffer.from(encode(message)).toString('hex'),
    };
    await expect(json(frame)).toMatchFileSnapshot(`${folder}${name}.json`);
  });

  it('are all there, and no others', () => {
    expect(readdirSync(folder).sort()).toEqual(
      Object.keys(frames)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });
});
