import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Client } from '../../../src/server/clients.ts';
import { Job } from '../../../src/server/job.ts';
import { type Kind, Served } from '../../../src/server/models.ts';
import { FairQueue } from '../../../src/server/queue.ts';
import { Session } from '../../../src/server/session.ts';
import { chain } from '../../support/servers.ts';
import { Springs } from '../../support/springs.ts';

const served = new Served(new Springs());
const single = served.kind('single', ['forces']);
const double = served.kind('double', ['forces']);
const client = (name: string) => new Client(undefined as never, Buffer.from(name), 0, () => undefined);
let nextId = 1;
const job = (owner: Client, sizes: number[], kind: Kind = single, session?: Session) =>
  new Job(owner, nextId++, kind, sizes.map(chain), session);
const session = (kind = single) => new Session(1, kind, new Int32Array(1), undefined, false);
const queueOf = (...jobs: Job[]) => {
  const queue = new FairQueue();
  for (const one of jobs) queue.add(one);
  return queue;
};

describe('kinds', () => {
  it('are one object for each precision and set of wants', () => {
    expect(served.kind('single', ['forces'])).toBe(single);
    expect(served.kind('double', ['forces'])).not.toBe(single);
    expect(served.kind('single', ['virial', 'forces'])).toBe(served.kind('single', ['forces', 'virial', 'forces']));
    expect(served.kind('single', [])).not.toBe(single);
    expect([...served.kind('single', ['member_energies']).want]).toEqual(['memberEnergies']);
  });
});

describe('FairQueue', () => {
  it('takes what waits of one kind together', () => {
    const [a, b, c] = [client('a'), client('b'), client('c')];
    const queue = queueOf(job(a, [5]), job(b, [6]), job(c, [7], double), job(a, [8]));
    expect(queue.take(100).map((task) => task.job.atoms)).toEqual([5, 6, 8]);
    expect(queue.take(100).map((task) => task.job.atoms)).toEqual([7]);
    expect(queue.isEmpty).toBe(true);
    expect(queue.take(100)).toEqual([]);
  });

  it('gives each client a turn before anyone has a second', () => {
    const [a, b] = [client('a'), client('b')];
    const queue = queueOf(job(a, [1, 1, 1, 1, 1, 1]), job(b, [1]));
    expect(queue.take(2).map((task) => task.job.client)).toEqual([a, b]);
    expect(queue.take(2).map((task) => task.index)).toEqual([1, 2]);
  });

  it('sends a large system alone, and those it had no room for first', () => {
    const [a, b, c] = [client('a'), client('b'), client('c')];
    const queue = queueOf(job(a, [5]), job(b, [1000]), job(c, [5]));
    expect(queue.take(100).map((task) => task.job.client)).toEqual([a, c]);
    queue.add(job(a, [5]));
    queue.add(job(c, [5]));
    expect(queue.take(100).map((task) => task.job.client)).toEqual([b]);
    expect(queue.take(100).map((task) => task.job.client)).toEqual([a, c]);
  });

  it('keeps the steps of one session apart and in order', () => {
    const a = client('a');
    const steps = session();
    const queue = queueOf(job(a, [1], single, steps), job(a, [2], single, steps), job(a, [3]));
    expect(queue.take(100).map((task) => task.job.atoms)).toEqual([1]);
    expect(queue.take(100).map((task) => task.job.atoms)).toEqual([2, 3]);
  });

  it('gives up the jobs of a client or of one session', () => {
    const [a, b] = [client('a'), client('b')];
    const steps = session();
    const queue = queueOf(job(a, [1], single, steps), job(a, [2]), job(b, [3]));
    expect(queue.remove(a, steps).map((one) => one.atoms)).toEqual([1]);
    expect(queue.remove(a).map((one) => one.atoms)).toEqual([2]);
    expect(queue.remove(a)).toEqual([]);
    expect(queue.take(100).map((task) => task.job.atoms)).toEqual([3]);
    queue.add(job(a, [4]));
    expect(queue.clear().map((one) => one.atoms)).toEqual([4]);
    expect(queue.isEmpty).toBe(true);
  });

  it('computes every system of every job once, whatever the order and the bound', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
    const request = fc.record({ owner: fc.nat(3), sizes, kind: fc.boolean(), inSession: fc.boolean() });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 20 }), fc.integer({ min: 1, max: 60 }), (requests, maxAtoms) => {
        const owners = [0, 1, 2, 3].map((name) => client(String(name)));
        const sessions = owners.map(() => session());
        const jobs = requests.map(({ owner, sizes, kind, inSession }) =>
          job(
            owners[owner],
            inSession ? [sizes[0]] : sizes,
            kind ? single : double,
            inSession ? sessions[owner] : undefined,
          ),
        );
        const queue = queueOf(...jobs);
        const seen = new Map<Job, number[]>();
        const order = new Map<Session, number[]>();
        while (!queue.isEmpty) {
          const tasks = queue.take(maxAtoms);
          expect(tasks.length).toBeGreaterThan(0);
          expect(new Set(tasks.map((task) => task.job.kind)).size).toBe(1);
          const atoms = tasks.reduce((sum, task) => sum + task.job.systems[task.index].numbers.length, 0);
          if (tasks.length > 1) expect(atoms).toBeLessThanOrEqual(maxAtoms);
          const inSessions = tasks.flatMap((task) => task.job.session ?? []);
          expect(new Set(inSessions).size).toBe(inSessions.length);
          for (const task of tasks) {
            seen.set(task.job, [...(seen.get(task.job) ?? []), task.index]);
            if (task.job.session) order.set(task.job.session, [...(order.get(task.job.session) ?? []), task.job.id]);
          }
        }
        for (const one of jobs) expect(seen.get(one)).toEqual(one.systems.map((_, index) => index));
        for (const ids of order.values()) expect(ids).toEqual([...ids].sort((x, y) => x - y));
      }),
    );
  });

  it('starves nobody: each client is served within as many batches as there are clients', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 2, maxLength: 8 }), (sizes) => {
        const owners = sizes.map((_, index) => client(String(index)));
        const queue = queueOf(...owners.map((owner, index) => job(owner, [sizes[index]])));
        const last = owners.map(() => 0);
        for (let round = 1; round <= 40; round++) {
          for (const task of queue.take(100)) {
            const index = owners.indexOf(task.job.client);
            expect(round - last[index]).toBeLessThanOrEqual(sizes.length);
            last[index] = round;
            queue.add(job(owners[index], [sizes[index]]));
          }
        }
        for (const round of last) expect(40 - round).toBeLessThan(sizes.length);
      }),
    );
  });
});
