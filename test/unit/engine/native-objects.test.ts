/**
 * Each instruction set's kernels are compiled apart. A function of theirs that the linker may take from any of them
 * (a weak symbol outside their own namespace) could bring AVX-512 code to a processor without it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nativeInstructionSets } from '../../../src/engine/native.ts';

describe('the kernels of one instruction set', () => {
  for (const isa of nativeInstructionSets()) {
    it(`${isa}: share no code with those of another`, () => {
      const object = `build/native/CMakeFiles/mlts_kernels_${isa}.dir/src/kernels/kernels.cpp.o`;
      expect(existsSync(object), `${object} is missing: run npm run setup`).toBe(true);
      const symbols = execFileSync('nm', ['-C', object], { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n');
      const weak = symbols.filter((line) => / [VWu] /.test(line));
      expect(weak.length).toBeGreaterThan(0);
      expect(weak.filter((line) => !line.includes(`mlts::${isa}::`))).toEqual([]);
    });
  }
});
