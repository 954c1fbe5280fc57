import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFrameIndex, selectFrames } from '../../../src/io/slice.ts';
import { ase } from './files.ts';

const select = (n: number, text: string) =>
  [
    ...selectFrames(
      Array.from({ length: n }, (_, i) => i),
      parseFrameIndex(text),
      'f.xyz',
    ),
  ].map(({ frame, index }) => {
    expect(frame).toBe(index);
    return frame;
  });

describe('a frame index', () => {
  it('agrees with Python on every slice of five frames', () => {
    const bounds = ['', '0', '1', '3', '5', '9', '-1', '-4', '-5', '-9'];
    const steps = ['', '1', '2', '7', '-1', '-2', '-7'];
    const texts = bounds.flatMap((start) => bounds.flatMap((stop) => steps.map((step) => `${start}:${stop}:${step}`)));
    const wanted = ase<number[][]>(
      'parse = lambda t: slice(*[int(p) if p else None for p in t.split(":")])\nresult = [list(range(5))[parse(t)] for t in json.loads(args[0])]',
      JSON.stringify(texts),
    );
    expect(wanted.length).toBe(700);
    expect(texts.map((text) => select(5, text))).toEqual(wanted);
  });

  it('takes one frame from either end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (n, seed) => {
        const at = seed % n;
        expect(select(n, `${at}`)).toEqual([at]);
        expect(select(n, `${at - n}`)).toEqual([at]);
      }),
    );
  });

  it('reads no further than it must', () => {
    const endless = function* () {
      for (let i = 0; ; i++) yield i;
    };
    const take = (text: string) => [...selectFrames(endless(), parseFrameIndex(text), 'f')].map(({ frame }) => frame);
    expect(take('4')).toEqual([4]);
    expect(take('2:8:3')).toEqual([2, 5]);
    expect(take(':0')).toEqual([]);
  });

  it.each(['', 'x', '1:2:3:4', '1.5', '::0', '1:b', ' '])('refuses %j', (text) => {
    expect(() => parseFrameIndex(text)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });

  it.each(['5', '-6'])('says how many frames there are when %s is outside', (text) => {
    expect(() => select(5, text)).toThrow(/f\.xyz has no frame -?\d: it holds 5/);
  });
});
