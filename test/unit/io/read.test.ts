import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputFile } from '../../../src/io/write.ts';
import { read, readFile, temporaryFolder } from './files.ts';

describe('a structure file', () => {
  it.each([
    ['XYZ', '1\n\nH 0 0 0\n'],
    [
      'CIF',
      'data_x\n_cell_length_a 1\n_cell_length_b 1\n_cell_length_c 1\n_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nH1 0 0 0\n',
    ],
    ['LAMMPS data', 't\n\n1 atoms\n1 atom types\n\nMasses\n\n1 1.0\n\nAtoms # atomic\n\n1 1 0 0 0\n'],
    ['POSCAR', 't\n1.0\n1 0 0\n0 1 0\n0 0 1\nH\n1\nDirect\n0 0 0\n'],
  ])('without a telling name is known as %s by its first lines', (_, text) => {
    expect([...read('structure', text)[0].numbers]).toEqual([1]);
  });

  it('of no known format, or not there, is a typed error', () => {
    expect(() => read('notes.txt', 'some\nwords\n')).toThrow(/E_FILE: .*notes\.txt:1: the format is not recognised/);
    expect(() => readFile('/nowhere/a.xyz')).toThrow(
      /E_FILE: \/nowhere\/a\.xyz cannot be read \(no such file or directory\)/,
    );
    expect(() => readFile(temporaryFolder())).toThrow(/E_FILE: .* cannot be read \(illegal operation on a directory\)/);
  });

  it('larger than one read is read whole, multi-byte characters and all', () => {
    const frame = `3\nname="Åström"\n${'H 0.123456789 0.1 0.2\n'.repeat(3)}`;
    const frames = read('big.xyz', frame.repeat(30_000));
    expect(frames).toHaveLength(30_000);
    expect(new Set(frames.map(({ info }) => info.name))).toEqual(new Set(['Åström']));
  });
});

describe('an output file', () => {
  it('appears only when it is complete', () => {
    const file = join(temporaryFolder(), 'out.xyz');
    writeFileSync(file, 'old');
    const output = new OutputFile(file);
    output.write('new');
    expect(readFileSync(file, 'utf8')).toBe('old');
    output.commit();
    output.discard();
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it('leaves nothing when it is given up', () => {
    const folder = temporaryFolder();
    const output = new OutputFile(join(folder, 'out.xyz'));
    output.write('half');
    output.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('on a full disk is E_DISK', () => {
    expect(existsSync('/dev/full')).toBe(true);
    const output = new OutputFile('/dev/full');
    expect(() => output.write('x')).toThrow(
      expect.objectContaining({ code: 'E_DISK', what: '/dev/full cannot be written (no space left on device)' }),
    );
  });

  it('in a folder that is not there is E_DISK', () => {
    expect(() => new OutputFile('/nowhere/out.xyz')).toThrow(expect.objectContaining({ code: 'E_DISK' }));
  });
});
