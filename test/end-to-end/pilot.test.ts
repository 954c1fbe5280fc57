/** `mlts learn` with pilots as users run it: processes, kills, keys. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { PilotExecutor } from '../../src/active/executors/pilot/executor.ts';
import { allow, generateKeyFile } from '../../src/server/keyring.ts';
import { HELIUM, jobOf, outcomes, watching } from '../support/executors.ts';
import { expectError } from '../support/expect-error.ts';
import { mlts, start } from '../support/mlts.ts';
import { newEndpoint, pilotAt, startPilot } from '../support/pilots.ts';
import { temporaryFolder } from '../support/servers.ts';

vi.setConfig({ testTimeout: 180_000 });

const campaign = (bind: string) => `
name: al
rounds: 2
samplers:
  - {kind: disorder, composition: {Al: [4, 8]}, density: [2.2, 3.2], min_distance: 2.2, count: 14}
label:
  chunk: 2
  seconds: 300
  engine: {kind: ase, calculator: ase.calculators.emt.EMT, level: EMT}
select: {count: 6, first: 10, forces: 0.01}
executor: {kind: pilot, bind: ${JSON.stringify(bind)}}
hold_out: 0.2
training:
  members: 2
  threads: 1
  epochs: 3
  batch: 4
  model: {radial: {cutoff: 5, shifts: 8}, angular: {cutoff: 4, shifts: 4, sections: 4}, layers: [16, 8]}
`;

it('a campaign is labelled by pilots that outlive mlts learn, and they leave when it has ended', async () => {
  const [endpoint, cwd] = [newEndpoint(), temporaryFolder()];
  writeFileSync(join(cwd, 'al.yaml'), campaign(endpoint));
  const pilots = [startPilot(endpoint), startPilot(endpoint)];
  const labels = () => readdirSync(join(cwd, 'al/labels')).filter((file) => file.endsWith('.json'));
  const seen = () => {
    try {
      return labels().length;
    } catch {
      return 0;
    }
  };
  for (const [kill, least] of [1, 4].entries()) {
    const running = start(['learn', 'al.yaml', ...(kill > 0 ? ['--resume'] : [])], {}, cwd);
    await expect.poll(seen, { timeout: 60_000, interval: 5 }).toBeGreaterThanOrEqual(least);
    running.process.kill('SIGKILL');
    await running.ended;
  }
  const { code, stderr } = await mlts(['learn', 'al.yaml', '--resume', '--json'], {}, cwd);
  expect(`${code} ${stderr}`).toContain(`0 pilots are taken at ${endpoint}: mlts learn pilot ENDPOINT\n`);
  const ends = await Promise.all(pilots.map(({ ended }) => ended));
  for (const { code, stdout, stderr } of ends) {
    expect(`${code} ${stdout}`).toMatch(/^0 the campaign has ended; \d+ labels\n$/);
    expect(stderr).toContain('is there again');
  }
  const sent = ends.reduce((sum, { stdout }) => sum + Number(/(\d+) labels/.exec(stdout)![1]), 0);
  // Told of what it did, whether or not somebody listened: nothing more often than once.
  expect(sent).toBe(labels().length);
  const records = labels().map((file) => JSON.parse(readFileSync(join(cwd, 'al/labels', file), 'utf8')));
  expect(records.length).toBeGreaterThan(12);
  expect(records.every(({ status, level }) => status === 'labelled' && level === 'EMT')).toBe(true);
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

it('from other machines pilots need a key that is on the list', async () => {
  const [port, folder] = [await freePort(), temporaryFolder()];
  const keys = { server: join(folder, 'server.json'), allowed: join(folder, 'allowed') };
  const { public: server } = await generateKeyFile(keys.server);
  const own = () => {
    const { publicKey, secretKey } = curveKeyPair();
    return { public: publicKey, secret: secretKey, server };
  };
  const [friend, foe] = [own(), own()];
  await allow(keys.allowed, friend.public, 'friend');
  const job = jobOf([HELIUM, HELIUM]);
  const options = watching();
  const run = new PilotExecutor({ kind: 'pilot', bind: `tcp://0.0.0.0:${port}`, keys }).run(job.manifest, options);
  await expect.poll(() => options.said.length).toBeGreaterThan(0);
  const endpoint = `tcp://127.0.0.1:${port}`;
  await expectError(() => pilotAt(endpoint, { keys: foe }).ended, 'E_KEYS', 'refused');
  await expectError(() => pilotAt(endpoint).ended, 'E_KEYS');
  expect(options.records).toEqual([]);
  const file = join(folder, 'friend.json');
  writeFileSync(file, JSON.stringify(friend));
  startPilot(endpoint, ['--keys', file]);
  await run;
  expect(outcomes(options.records)).toEqual(['s0 labelled', 's1 labelled']);
});

it('what cannot be is said: no endpoint, no keys, no time', async () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['nowhere'], /^E_ADDRESS: 'nowhere' is not an endpoint/],
    [['tcp://127.0.0.1:5589', '--keys', 'none.json'], /^E_KEYS: cannot read none\.json/],
    [['--time', 'soon'], /Give seconds, MM:SS, HH:MM:SS or D-HH:MM:SS/],
    [['--workers', '0'], /--workers/],
  ];
  for (const [args, expected] of cases) {
    const { code, stderr } = await mlts(['learn', 'pilot', ...args]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(expected);
  }
  const waiting = startPilot(newEndpoint());
  await sleep(1500);
  waiting.process.kill('SIGINT');
  const { stdout, stderr } = await waiting.ended;
  expect(stderr).toMatch(/^waiting for mlts learn at ipc:/);
  expect(stdout).toBe('stopped; 0 labels\n');
});
