/** `mlts serve` and `mlts keys` as processes. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { loadModel } from '../../src/index.ts';
import { expectClose } from '../support/close.ts';
import { mlts, startServe } from '../support/mlts.ts';
import { testModel } from '../support/models.ts';
import { eventually, temporaryFolder } from '../support/servers.ts';
import { displaced, randomNumbers } from '../support/systems.ts';
import { potentialVector } from '../support/vectors.ts';

const model = testModel('test-two');
const gas = potentialVector('two-gas').input;

async function connect(endpoint: string): Promise<Client> {
  const client = await Client.connect(endpoint);
  onTestFinished(() => client.close());
  return client;
}

describe('mlts serve', () => {
  it.each(['native', 'reference'])('computes on %s what the same model computes in process', async (backend) => {
    const {
      endpoints,
      models,
      backend: said,
    } = await startServe([model.path(), '--backend', backend, '--threads', '1']);
    expect(said).toBe(backend);
    expect(models).toEqual([{ name: 'test-two', sha256: model.model.sha256 }]);
    const here = await loadModel(model.path(), { backend: 'reference' });
    const [want] = await here.evaluate([gas], new Set(['forces', 'virial', 'sigma']));
    const got = await (await connect(endpoints[0])).evaluate(gas, { precision: 'double' });
    const { energy, forces, virial, sigmaForces } = want as Required<typeof got>;
    expectClose([got.energy], [energy], 1e-9, 'energy');
    expectClose(got.forces as Float64Array, forces, 1e-9, 'forces');
    expectClose(got.virial as Float64Array, virial, 1e-9, 'virial');
    expectClose(got.sigmaForces as Float64Array, sigmaForces, 1e-9, 'sigma');
    here.close();
  });

  it('serves the embedded model where none is named', async () => {
    const { endpoints, models } = await startServe();
    const [first] = await (await connect(endpoints[0])).models();
    expect(first).toMatchObject({ name: models[0].name, sha256: models[0].sha256 });
    expect(first.members).toBeGreaterThanOrEqual(4);
  });

  it('keeps its event loop free while the reference backend computes', async () => {
    const { endpoints } = await startServe([model.path(), '--backend', 'reference']);
    const [busy, quick] = [await connect(endpoints[0]), await connect(endpoints[0])];
    const many = busy.evaluateMany(Array.from({ length: 400 }, () => gas));
    let isDone = false;
    void many.then(() => {
      isDone = true;
    });
    const pings: number[] = [];
    while (!isDone) pings.push(await quick.ping());
    expect(pings.length).toBeGreaterThan(10);
    pings.sort((a, b) => a - b);
    expect(pings[pings.length >> 1]).toBeLessThan(15);
  });

  it('on SIGTERM finishes what it accepted, sends it, and exits 0', async () => {
    const { process: child, ended, endpoints } = await startServe([model.path(), '--backend', 'reference']);
    const client = await connect(endpoints[0]);
    const accepted = Promise.all(Array.from({ length: 30 }, () => client.evaluate(gas)));
    await client.ping();
    child.kill('SIGTERM');
    expect(new Set((await accepted).map((result) => result.energy)).size).toBe(1);
    expect(await ended).toMatchObject({ code: 0 });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('idle, exits 0 on %s within a second', async (signal) => {
    const path = join(temporaryFolder(), 'socket');
    const { process: child, ended, endpoints } = await startServe([model.path(), '--bind', `ipc://${path}`]);
    await (await connect(endpoints[0])).ping();
    const begin = performance.now();
    child.kill(signal);
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    expect(performance.now() - begin).toBeLessThan(1500);
    expect(existsSync(path)).toBe(false);
    // Logs are JSON lines where stderr is no terminal.
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ message }) => message)).toEqual([
      'model loaded',
      expect.stringMatching(/^ready on ipc:/),
      expect.stringMatching(signal),
      'stopping',
      'stopped',
    ]);
  });

  it('told twice at once, as `timeout` and npm do, still finishes its work', async () => {
    const path = join(temporaryFolder(), 'socket');
    const serving = await startServe([model.path(), '--backend', 'reference', '--bind', `ipc://${path}`]);
    const client = await connect(serving.endpoints[0]);
    const accepted = client.evaluateMany(Array.from({ length: 400 }, () => gas));
    await client.ping();
    serving.process.kill('SIGTERM');
    await sleep(50);
    serving.process.kill('SIGTERM');
    expect(new Set((await accepted).map((result) => (result as { energy: number }).energy)).size).toBe(1);
    expect(await serving.ended).toMatchObject({ code: 0, stderr: expect.stringContaining('"stopped"') });
    expect(existsSync(path)).toBe(false);
  });

  it('told again later ends at once', async () => {
    const { process: child, ended, endpoints } = await startServe([model.path(), '--backend', 'reference']);
    const client = await connect(endpoints[0]);
    const lost = client.evaluateMany(Array.from({ length: 4000 }, () => gas)).catch((error: unknown) => error);
    await client.ping();
    child.kill('SIGTERM');
    await sleep(700);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 1 });
    expect(await lost).toMatchObject({ code: 'E_CONNECT' });
  });

  it('with --exit-with-parent stops when its standard input ends', async () => {
    const { process: child, ended } = await startServe([model.path(), '--exit-with-parent']);
    child.stdin?.end();
    expect((await ended).code).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'with --exit-with-parent ends on %s while its standard input stays open',
    async (signal) => {
      const { process: child, ended } = await startServe([model.path(), '--exit-with-parent']);
      child.kill(signal);
      expect((await ended).code).toBe(0);
    },
    10_000,
  );

  it('takes its settings from a file, the command line before them', async () => {
    const folder = temporaryFolder();
    const config = join(folder, 'mlts.yaml');
    writeFileSync(join(folder, 'water.mlts'), model.bytes);
    writeFileSync(
      config,
      `models: water.mlts\nbind: [ipc://${folder}/a]\nbackend: reference\nlog: error\nlimits: {max_atoms: 5}\n`,
    );
    const { endpoints, process: child, ended } = await startServe(['--config', config, '--bind', `ipc://${folder}/b`]);
    expect(endpoints).toEqual([`ipc://${folder}/b`]);
    const client = await connect(endpoints[0]);
    await expect(client.evaluate(gas)).rejects.toThrow(/^E_LIMIT/);
    child.kill('SIGTERM');
    expect((await ended).stderr).toBe('');
  });

  it.each<[string, string[], number, RegExp]>([
    ['a model that is not there', ['no-such-model'], 1, /^E_MODEL_NOT_FOUND: no model no-such-model/],
    ['a file that is no model', ['package.json.mlts'], 1, /^E_FILE: /],
    [
      'a backend that is not installed',
      ['default', '--backend', 'tensorflow'],
      1,
      /^E_UNAVAILABLE: TensorFlow.js is not installed .*mlts setup tensorflow/,
    ],
    ['a backend of nobody', ['--backend', 'cuda'], 2, /^E_USAGE: .*cuda/],
    ['no threads', ['--threads', '0'], 2, /^E_USAGE: .*threads/],
    [
      'a folder that is not there',
      ['--bind', 'ipc:///nowhere/x'],
      1,
      /^E_ADDRESS: there is no folder \/nowhere for ipc:/,
    ],
    ['an endpoint of nonsense', ['--bind', 'carrier-pigeon'], 1, /^E_ADDRESS: endpoint 'carrier-pigeon'/],
    [
      'an open endpoint without keys',
      ['--bind', 'tcp://0.0.0.0:*'],
      1,
      /^E_KEYS: tcp:\/\/0\.0\.0\.0:\* is open to other machines, which takes keys: no key file .*Make one with `mlts keys generate`/,
    ],
    ['a file of settings that is not there', ['--config', '/nowhere.yaml'], 1, /^E_FILE: cannot read \/nowhere.yaml/],
    ['an option that does not exist', ['--colour'], 2, /^E_USAGE: .*--colour/],
  ])('%s is said on stderr, with its exit code', async (_, args, code, message) => {
    const ended = await mlts(['serve', ...args], { MLTS_KEYS: '/nowhere', XDG_DATA_HOME: '/nowhere' });
    expect(ended.stderr.trim().split('\n').at(-1)).toMatch(message);
    expect(ended).toMatchObject({ code, stdout: '' });
  });

  it('says which line of its settings is wrong', async () => {
    const config = join(temporaryFolder(), 'mlts.yaml');
    writeFileSync(config, 'backend: native\nlimits:\n  max_atom: 10\n');
    const { code, stderr } = await mlts(['serve', '--config', config]);
    expect(stderr).toBe(`E_USAGE: ${config}:3:3: there is no setting 'max_atom'. Did you mean 'max_atoms'?\n`);
    expect(code).toBe(2);
  });

  it('does not share its endpoint with a second one', async () => {
    const { endpoints } = await startServe([model.path()]);
    const second = await mlts(['serve', model.path(), '--bind', endpoints[0]]);
    expect(second.stderr).toMatch(/E_ADDRESS: .* is taken/);
    expect(second.code).toBe(1);
    expect(await (await connect(endpoints[0])).ping()).toBeGreaterThan(0);
  });

  it('killed at any moment, twenty times, never gives a wrong answer nor leaves a client waiting', async () => {
    const folder = temporaryFolder();
    const endpoint = `ipc://${folder}/socket`;
    const here = await loadModel(model.path(), { backend: 'native' });
    const random = randomNumbers(11);
    const steps = Array.from({ length: 20 }, () => displaced(gas, () => 0.02 * random()));
    const truth = (await here.evaluate(steps, new Set())).map((outcome) => (outcome as { energy: number }).energy);
    here.close();
    let server = await startServe([model.path(), '--bind', endpoint]);
    const client = await Client.connect(endpoint, { timeout: 20_000, connectTimeout: 10_000 });
    onTestFinished(() => client.close());
    const session = await client.open({ numbers: gas.numbers, want: ['forces'] });
    let isOver = false;
    const counts = { right: 0, lost: 0 };
    const running = (async () => {
      for (let k = 0; !isOver; k = (k + 1) % steps.length) {
        try {
          const { energy } = await session.evaluate(steps[k].positions);
          expectClose([energy], [truth[k]], 1e-5 * gas.numbers.length, `step ${k}`);
          counts.right++;
        } catch (error) {
          // Only the loss itself may be told, and at once.
          expect(error).toMatchObject({ code: 'E_CONNECT' });
          counts.lost++;
        }
      }
    })();
    for (let round = 0; round < 20; round++) {
      const before = counts.right;
      await eventually(() => counts.right > before, 'the client has found the new server');
      await new Promise((resolve) => setTimeout(resolve, 60 * Math.random()));
      server.process.kill('SIGKILL');
      await server.ended;
      server = await startServe([model.path(), '--bind', endpoint]);
    }
    const before = counts.right;
    await eventually(() => counts.right > before, 'the client has found the last server');
    isOver = true;
    await running;
    expect(counts.right).toBeGreaterThan(20);
    expect(counts.lost).toBeLessThanOrEqual(20);
  }, 120_000);
});

describe('mlts keys', () => {
  it('makes keys, lets a client in, and the server takes it', async () => {
    const env = { MLTS_KEYS: join(temporaryFolder(), 'keys') };
    const made = await mlts(['keys', 'generate'], env);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const serverKey = made.stdout.trim();
    expect(statSync(join(env.MLTS_KEYS, 'server.json')).mode & 0o777).toBe(0o600);
    const mine = join(env.MLTS_KEYS, 'me.json');
    const client = await mlts(['keys', 'generate', mine, '--server', serverKey], env);
    const clientKey = client.stdout.trim();
    expect(JSON.parse(readFileSync(mine, 'utf8'))).toMatchObject({ public: clientKey, server: serverKey });
    expect((await mlts(['keys', 'allow', clientKey, '--name', 'me'], env)).stdout).toBe(`allowed ${clientKey}\n`);
    expect((await mlts(['keys', 'allow', mine], env)).stdout).toBe(`${clientKey} was allowed before\n`);
    expect((await mlts(['keys', 'show'], env)).stdout).toBe(`${serverKey}\nallowed ${clientKey} me\n`);
    expect((await mlts(['keys', 'show', mine], env)).stdout).toBe(`${clientKey}\n`);
    const { endpoints } = await startServe([model.path(), '--bind', 'tcp://0.0.0.0:*'], env);
    const let_in = await Client.connect(endpoints[0].replace('0.0.0.0', '127.0.0.1'), { keys: mine });
    expect((await let_in.evaluate(gas)).energy).toBeLessThan(0);
    let_in.close();
  });

  it('says what is wrong', async () => {
    const env = { MLTS_KEYS: temporaryFolder() };
    expect(await mlts(['keys', 'show'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_KEYS: no key file/),
    });
    expect(await mlts(['keys', 'allow', 'nonsense'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_KEYS: /),
    });
    expect(await mlts(['keys', 'generate', '--server', 'x'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_KEYS: --server is not/),
    });
    await mlts(['keys', 'generate'], env);
    expect(await mlts(['keys', 'generate'], env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^E_KEYS: .*exists/),
    });
  });
});

describe('help', () => {
  it.each([['serve'], ['keys'], ['keys', 'generate'], ['keys', 'allow']])('of mlts %s %s', async (...verb) => {
    const { code, stdout } = await mlts([...verb, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Usage: mlts/);
    if (verb.length === 1) expect(stdout).toMatch(/Examples:/);
  });
});
