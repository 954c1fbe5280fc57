import { describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../../src/server/config.ts';

const parse = (text: string) => parseConfig(text, '/etc/mlts.yaml');

describe('parseConfig', () => {
  it('reads every setting', () => {
    const config = parse(`
models: [ani-2x, water.mlts, /data/x.mlts]
bind: [tcp://127.0.0.1:5588, ipc:///tmp/x]
threads: 4
backend: native
log: debug
keys:
  server: keys/server.json
  allowed: /etc/allowed
limits:
  max_atoms: 1000
  idle_release: 0.5
harvest:
  folder: doubt
  threshold: 0.2
  max_structures: 7
`);
    expect(config).toEqual({
      models: ['ani-2x', '/etc/water.mlts', '/data/x.mlts'],
      bind: ['tcp://127.0.0.1:5588', 'ipc:///tmp/x'],
      threads: 4,
      backend: 'native',
      log: 'debug',
      keys: { server: '/etc/keys/server.json', allowed: '/etc/allowed' },
      limits: { maxAtoms: 1000, idleRelease: 0.5 },
      harvest: { folder: '/etc/doubt', threshold: 0.2, maxStructures: 7 },
    });
  });

  it('takes one model and one endpoint without brackets, and an empty file', () => {
    expect(parse('models: ani-2x\nbind: tcp://127.0.0.1:1')).toEqual({
      models: ['ani-2x'],
      bind: ['tcp://127.0.0.1:1'],
    });
    expect(parse('')).toEqual({});
    expect(parse('# nothing\n')).toEqual({});
  });

  it.each([
    ['theads: 2', "E_USAGE: /etc/mlts.yaml:1:1: there is no setting 'theads'. Did you mean 'threads'?"],
    [
      'bind: x\nlimits:\n  max_atom: 3',
      "/etc/mlts.yaml:3:3: there is no setting 'max_atom'. Did you mean 'max_atoms'?",
    ],
    ['colour: blue', 'There are models, bind, threads, backend, log, keys, limits, harvest.'],
    ['threads: many', `/etc/mlts.yaml:1:1: 'threads' is "many", must be a whole number of 1 or more`],
    ['threads: 0', "'threads' is 0, must be a whole number"],
    ['threads:', "'threads'"],
    ['backend: cuda', `'backend' is "cuda", must be one of auto, native, tensorflow, reference`],
    ['limits: 3', "'limits' is 3, must be settings (max_atoms"],
    ['limits: {idle_close: -1}', "'idle_close' is -1, must be a number of seconds above 0"],
    ['harvest: {threshold: 0}', "'threshold' is 0, must be a number of eV/Å above 0"],
    ['models: [1]', "'models'"],
    ['- a\n- b', '/etc/mlts.yaml must hold settings'],
    ['just text', '/etc/mlts.yaml must hold settings'],
    ['threads: 2\nthreads: 3', '/etc/mlts.yaml:2:1'],
    ['keys: {server: [', '/etc/mlts.yaml:1:'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(/^E_USAGE: /);
  });

  it('says which file is missing', async () => {
    await expect(readConfig('/nowhere/mlts.yaml')).rejects.toThrow(/^E_FILE: cannot read \/nowhere\/mlts.yaml/);
  });
});
