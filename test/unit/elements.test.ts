import { expect, it } from 'vitest';
import { MAX_NUMBER, massOf, numberOf, symbolOf } from '../../src/elements.ts';

it('knows 118 elements both ways', () => {
  expect(MAX_NUMBER).toBe(118);
  const symbols = Array.from({ length: 118 }, (_, i) => symbolOf(i + 1));
  expect(new Set(symbols).size).toBe(118);
  for (const [i, symbol] of symbols.entries()) {
    expect(symbol).toMatch(/^[A-Z][a-z]?$/);
    expect(numberOf(symbol)).toBe(i + 1);
  }
});

it.each([
  [1, 'H', 1.008],
  [6, 'C', 12.011],
  [13, 'Al', 26.9815385],
  [17, 'Cl', 35.45],
  [50, 'Sn', 118.71],
  [92, 'U', 238.02891],
  [118, 'Og', 294.214],
])('element %i is %s with mass %f', (z, symbol, mass) => {
  expect(symbolOf(z)).toBe(symbol);
  expect(massOf(z)).toBe(mass);
});

it('says so where there is no such element', () => {
  for (const z of [0, -1, 119, 300]) {
    expect(symbolOf(z)).toBe(`Z=${z}`);
    expect(massOf(z)).toBeUndefined();
  }
  for (const symbol of ['h', 'CL', 'X', '', 'constructor']) expect(numberOf(symbol)).toBeUndefined();
});
