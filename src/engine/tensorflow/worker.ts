/** The other end of device.ts: holds the models on the device and computes one batch after the other. */
import { parentPort } from 'node:worker_threads';
import { asMltsError, MltsError } from '../../errors.ts';
import { TensorflowEngine } from './engine.ts';
import { type Answer, plain, type Question } from './messages.ts';
import type { TensorFlow } from './operations.ts';
import { loadRuntime } from './runtime.ts';

const engines = new Map<number, TensorflowEngine>();
let loaded: TensorFlow | undefined;

function answer(question: Question): Answer {
  const { id } = question;
  if ('open' in question) {
    loaded ??= loadRuntime();
    const engine = new TensorflowEngine(loaded, question.open);
    engines.set(id, engine);
    return { id, bytes: engine.bytes };
  }
  if ('close' in question) {
    engines.get(question.close)?.close();
    engines.delete(question.close);
    return { id, bytes: 0 };
  }
  const { model, batch, want, cancelled } = question;
  const engine = engines.get(model);
  if (engine === undefined) throw new MltsError('E_UNAVAILABLE', 'this potential is closed', 'Load the model again.');
  const outcomes = engine.evaluate(batch, want, () => Atomics.load(cancelled, 0) !== 0);
  return { id, outcomes: outcomes.map((one) => (one instanceof MltsError ? { fault: plain(one) } : one)) };
}

/** Buffers of results, which change hands instead of being copied. */
function buffersOf(given: Answer): ArrayBuffer[] {
  if (!('outcomes' in given)) return [];
  return given.outcomes.flatMap((outcome) =>
    Object.values(outcome ?? {}).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : [])),
  );
}

parentPort?.on('message', (question: Question) => {
  let given: Answer;
  try {
    given = answer(question);
  } catch (error) {
    given = { id: question.id, failure: plain(asMltsError(error)) };
  }
  parentPort?.postMessage(given, buffersOf(given));
});
