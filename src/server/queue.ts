/** Jobs that wait, and which of them go to the backend together. */
import type { Client } from './clients.ts';
import type { Job, Task } from './job.ts';
import type { Session } from './session.ts';

/**
 * First in, first out for each client; round-robin over clients, one system a turn. Whoever a batch had no room for
 * comes first in the next, so that nobody starves, and a system that is large on its own goes alone,
 * so that nobody small waits in its batch.
 */
export class FairQueue {
  /** Clients with waiting jobs; the first decides the kind of the next batch. */
  #ring: { client: Client; jobs: Job[] }[] = [];
  readonly #lines = new Map<Client, Job[]>();

  add(job: Job): void {
    const line = this.#lines.get(job.client);
    if (line !== undefined) {
      line.push(job);
      return;
    }
    const jobs = [job];
    this.#lines.set(job.client, jobs);
    this.#ring.push({ client: job.client, jobs });
  }

  get isEmpty(): boolean {
    return this.#ring.length === 0;
  }

  /**
   * The next batch: systems of one kind, at most one of each session (its steps follow one another).
   * @param maxAtoms bound on all systems together unless the first alone exceeds it
   */
  take(maxAtoms: number): Task[] {
    const tasks: Task[] = [];
    const kind = this.#ring[0]?.jobs[0]?.kind;
    const sessions = new Set<Session>();
    const served = new Set<Client>();
    let atoms = 0;
    for (let before = -1; before < tasks.length; ) {
      before = tasks.length;
      for (const { client, jobs } of this.#ring) {
        const job = jobs[0];
        if (job === undefined || job.kind !== kind || (job.session !== undefined && sessions.has(job.session)))
          continue;
        const size = job.systems[job.next].numbers.length;
        if (tasks.length > 0 && atoms + size > maxAtoms) continue;
        atoms += size;
        tasks.push({ job, index: job.next++ });
        served.add(client);
        if (job.session !== undefined) sessions.add(job.session);
        if (job.next === job.systems.length) jobs.shift();
      }
    }
    const waiting = this.#ring.filter(({ client }) => !served.has(client));
    const again = this.#ring.filter(({ client, jobs }) => served.has(client) && jobs.length > 0);
    for (const { client, jobs } of this.#ring) if (jobs.length === 0) this.#lines.delete(client);
    this.#ring = [...waiting, ...again];
    return tasks;
  }

  /** Takes the waiting jobs of a client, or of one of its sessions, out of the queue. */
  remove(client: Client, session?: Session): Job[] {
    const line = this.#lines.get(client);
    if (line === undefined) return [];
    const removed = session === undefined ? [...line] : line.filter((job) => job.session === session);
    const kept = line.filter((job) => !removed.includes(job));
    line.splice(0, line.length, ...kept);
    if (line.length === 0) {
      this.#lines.delete(client);
      this.#ring = this.#ring.filter((entry) => entry.client !== client);
    }
    return removed;
  }

  /** Takes all that waits out of the queue. */
  clear(): Job[] {
    const jobs = this.#ring.flatMap((entry) => entry.jobs);
    this.#ring = [];
    this.#lines.clear();
    return jobs;
  }
}
