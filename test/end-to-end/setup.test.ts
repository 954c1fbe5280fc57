/** `mlts setup tensorflow`, and the backend that it makes available, as users run them. `npm test` has installed it. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Client } from '../../src/client/client.ts';
import type { Result } from '../../src/engine/potential.ts';
import { runtimeFolder } from '../../src/engine/tensorflow/runtime.ts';
import { loadModel } from '../../src/index.ts';
import { formatExtxyz } from '../../src/io/extxyz.ts';
import { expectClose } from '../support/close.ts';
import { mlts, startServe } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { temporaryFolder } from '../support/servers.ts';
import { potentialVector } from '../support/vectors.ts';

const PINS = join(import.meta.dirname, '../../tools/tensorflow');

describe('mlts setup tensorflow', () => {
  it('finds what is installed and leaves it', async () => {
    const file = join(runtimeFolder(), 'installed.json');
    const before = readFileSync(file, 'utf8');
    const { code, stdout, stderr } = await mlts(['setup', 'tensorflow']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`ready in ${runtimeFolder()}`);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('pins every file by its hash', () => {
    const { packages } = JSON.parse(readFileSync(join(PINS, 'package-lock.json'), 'utf8'));
    const entries = Object.entries<{ integrity?: string }>(packages).filter(([path]) => path !== '');
    expect(entries.length).toBeGreaterThan(50);
    expect(entries.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
    for (const [file, count] of Object.entries({ 'cpu.txt': 1, 'gpu.txt': 13 })) {
      const wheels = readFileSync(join(PINS, file), 'utf8')
        .split('\n')
        .filter((line) => /^\w/.test(line));
      expect(wheels.length, file).toBe(count);
      expect(wheels.filter((line) => !/^[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}$/.test(line))).toEqual([]);
    }
  });

  it('says which program is missing, and goes on where it was stopped', async () => {
    const data = temporaryFolder();
    const bin = temporaryFolder();
    const install = () => mlts(['setup', 'tensorflow'], { XDG_DATA_HOME: data, PATH: bin });
    const first = await install();
    expect(first).toMatchObject({ code: 1, stdout: '' });
    expect(first.stderr).toMatch(/^\[1\/4\] .*\nE_UNAVAILABLE: npm cannot be run \(ENOENT\)\. Install npm/);
    // As if npm had finished and the download were next.
    writeFileSync(join(data, 'mlts', 'tensorflow.cpu.part', 'step-1'), '');
    const second = await install();
    expect(second.stderr).toMatch(/^\[2\/4\] .*\nE_UNAVAILABLE: python3 cannot be run \(ENOENT\)\. Install Python/);
    expect(existsSync(join(data, 'mlts', 'tensorflow'))).toBe(false);
  });

  it('tells what a program said that failed', async () => {
    const bin = temporaryFolder();
    symlinkSync('/bin/false', join(bin, 'npm'));
    const { code, stderr } = await mlts(['setup', 'tensorflow'], { XDG_DATA_HOME: temporaryFolder(), PATH: bin });
    expect(code).toBe(1);
    expect(stderr).toMatch(/E_FILE: `npm ci .*` ended with 1\. Look at what it says/);
  });

  it('removes all of it, unfinished work too', async () => {
    const data = temporaryFolder();
    for (const name of ['tensorflow', 'tensorflow.cpu.part', 'models'])
      mkdirSync(join(data, 'mlts', name), { recursive: true });
    const env = { XDG_DATA_HOME: data };
    expect(await mlts(['setup', 'tensorflow', '--remove'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^removed /),
    });
    expect(['tensorflow', 'tensorflow.cpu.part', 'models'].map((name) => existsSync(join(data, 'mlts', name)))).toEqual(
      [false, false, true],
    );
    const again = await mlts(['setup', 'tensorflow', '--remove'], env);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/^nothing to remove/) });
  });
});

describe('the TensorFlow.js backend on the command line', () => {
  it('is found by mlts doctor, which lets it compute', async () => {
    const { backends } = JSON.parse((await mlts(['doctor', '--json'])).stdout);
    expect(backends.tensorflow).toEqual({
      available: true,
      tfjs: '4.22.0',
      libtensorflow: '2.18.1',
      gpu: expect.any(Boolean),
    });
    const without = JSON.parse((await mlts(['doctor', '--json'], { XDG_DATA_HOME: '/nowhere' })).stdout);
    expect(without.backends.tensorflow).toEqual({ available: false, install: 'mlts setup tensorflow' });
  });

  it('gives the energies of the native one, and the process ends', async () => {
    const folder = temporaryFolder();
    const { input } = potentialVector('two-triclinic');
    writeFileSync(join(folder, 'two.xyz'), formatExtxyz({ ...input, pbc: input.pbc!, info: {}, arrays: {} }));
    const energies: number[] = [];
    for (const backend of ['native', 'tensorflow']) {
      const args = ['eval', 'two.xyz', '--model', testModel('test-two').path(), '--backend', backend, '--json'];
      const { code, stdout, stderr } = await mlts(args, {}, folder);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      energies.push(JSON.parse(stdout).energy);
    }
    expect(Math.abs(energies[1] - energies[0])).toBeLessThan(1e-4);
  });

  it('serves, and serves again after a kill -9', async () => {
    const { input } = potentialVector('two-triclinic');
    const native = await loadModel(testModel('test-two').path(), { backend: 'native', threads: 1 });
    const [want] = (await native.evaluate([input], new Set(['forces']))) as Result[];
    native.close();
    const socket = `ipc://${temporaryFolder()}/tf`;
    for (const end of ['SIGKILL', 'SIGTERM'] as const) {
      const args = [testModel('test-two').path(), '--backend', 'tensorflow', '--bind', socket];
      const { process: child, ended, backend } = await startServe(args);
      expect(backend).toBe('tensorflow');
      const client = await Client.connect(socket);
      const { forces } = await client.evaluate(input);
      expectClose(forces as Float64Array, want.forces!, 2e-4, 'forces');
      await client.close();
      child.kill(end);
      expect(await ended).toMatchObject(end === 'SIGKILL' ? { signal: 'SIGKILL' } : { code: 0 });
    }
  });
});
