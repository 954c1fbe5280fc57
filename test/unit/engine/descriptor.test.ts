import { describe, expect, it } from 'vitest';
import { cutoffs } from '../../../src/engine/reference/cutoff.ts';
import { Descriptor } from '../../../src/engine/reference/descriptor.ts';
import type { AniDescriptor } from '../../../src/model/model.ts';
import { close, expectClose } from '../../support/close.ts';

/** The worked example of docs/maths.md: A at the origin, B at (1,0,0), A at (0,1.2,0). */
const example: AniDescriptor = {
  cutoffFunction: 'cosine',
  radial: { cutoff: 5, eta: 16, shifts: Float64Array.of(0.9, 1.5) },
  angular: {
    cutoff: 3.5,
    eta: 8,
    zeta: 32,
    shifts: Float64Array.of(0.9, 1.55),
    sections: Float64Array.of(Math.PI / 4, (3 * Math.PI) / 4),
  },
};
const long = Math.hypot(1, 1.2);

describe('the worked example', () => {
  const descriptor = new Descriptor(example, 2);
  it('has 2·2 radial and 3·2·2 angular columns', () => expect(descriptor.length).toBe(16));

  it.each([
    [
      'atom 0 (A)',
      [1, 0],
      [1, 0, 0, 0, 1.2, 0],
      [1, 1.2],
      [
        0.0512050827, 0.0512050827, 0.1926928245, 0.0041416628, 0, 0, 0, 0, 0.0054737664, 0.0054737664, 0.0014917754,
        0.0014917754, 0, 0, 0, 0,
      ],
    ],
    [
      'atom 1 (B)',
      [0, 0],
      [-1, 0, 0, -1, 1.2, 0],
      [1, long],
      [0.1928678795, 0.1869985736, 0, 0, 0.258327301, 3.6e-9, 0.4626112424, 6.4e-9, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    [
      'atom 2 (A)',
      [0, 1],
      [0, -1.2, 0, 1, -1.2, 0],
      [1.2, long],
      [
        0.0512050827, 0.0512050827, 0.000175055, 0.1828569109, 0, 0, 0, 0, 0.1340352984, 0, 0.6790962358, 1e-10, 0, 0,
        0, 0,
      ],
    ],
  ])('%s', (_, elements, vectors, distances, wanted) => {
    const seen = { elements, vectors, distances };
    const G = descriptor.forward(seen);
    expectClose(G, wanted, 1.1e-10, 'G');
    const columns = Array.from(descriptor.columns(seen));
    expect(columns).toEqual([...columns].sort((a, b) => a - b));
    for (const [column, value] of G.entries()) if (value !== 0) expect(columns).toContain(column);
  });

  it('an atom alone has nothing', () => {
    const seen = { elements: [], vectors: [], distances: [] };
    expect(Array.from(descriptor.forward(seen))).toEqual(Array.from({ length: 16 }, () => 0));
    expect(descriptor.columns(seen)).toHaveLength(0);
  });
});

it('pairs of elements are laid out as the rows of an upper triangle (S F Cl of ANI-2x)', () => {
  const radial = { cutoff: 5, eta: 1, shifts: Float64Array.of(1) };
  const angular = { cutoff: 5, eta: 1, zeta: 1, shifts: Float64Array.of(1), sections: Float64Array.of(1) };
  const descriptor = new Descriptor({ cutoffFunction: 'cosine', radial, angular }, 7);
  const pairs: [number, number, number][] = [
    [0, 0, 0],
    [0, 6, 6],
    [1, 1, 7],
    [2, 3, 14],
    [3, 3, 18],
    [4, 4, 22],
    [4, 5, 23],
    [5, 6, 26],
    [6, 6, 27],
  ];
  for (const [a, b, pair] of pairs) {
    for (const elements of [
      [a, b],
      [b, a],
    ]) {
      const columns = descriptor.columns({ elements, vectors: [1, 0, 0, 0, 1, 0], distances: [1, 1] });
      expect(columns.at(-1)).toBe(7 + pair);
    }
  }
});

describe.each(Object.entries(cutoffs))('the %s cutoff', (_, { value, slope }) => {
  it('is 1 at 0 and falls to 0', () => {
    expect(value(0, 5)).toBeCloseTo(1, 14);
    expect(value(5, 5)).toBeCloseTo(0, 14);
    expect(slope(5, 5)).toBeCloseTo(0, 14);
  });

  it.each([0.3, 2.5, 4.4, 4.9])('has the slope of its value at %f', (r) => {
    const step = 1e-5;
    const difference = (value(r + step, 5) - value(r - step, 5)) / (2 * step);
    expect(close(slope(r, 5), difference, 1e-9)).toBe(true);
  });
});
