/** The other end of worker-potential.ts: computes what it is asked, one batch after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { ReferencePotential } from '../engine/reference/reference.ts';
import { asMltsError, MltsError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { wireError } from './answer.ts';
import type { Answer, Question } from './worker-potential.ts';

const potential = new ReferencePotential(workerData as Model);
const running = new Map<number, AbortController>();

async function compute({ id, batch, want }: Extract<Question, { id: number }>): Promise<Answer> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    const outcomes = await potential.evaluate(batch, want, { signal: abort.signal });
    return {
      id,
      outcomes: outcomes.map((outcome) => (outcome instanceof MltsError ? { fault: wireError(outcome) } : outcome)),
    };
  } catch (error) {
    return { id, failure: wireError(asMltsError(error)) };
  } finally {
    running.delete(id);
  }
}

parentPort?.on('message', (question: Question) => {
  if ('cancel' in question) running.get(question.cancel)?.abort();
  else void compute(question).then((answer) => parentPort?.postMessage(answer));
});
