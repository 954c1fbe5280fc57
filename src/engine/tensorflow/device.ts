/** The thread that computes with TensorFlow.js: one a process, shared by all models. The event loop stays free. */
import { Worker } from 'node:worker_threads';
import { MltsError } from '../../errors.ts';
import { toError } from '../native.ts';
import type { Answer, Question } from './messages.ts';
import { prepareEnvironment, runtimeFile } from './runtime.ts';

/** A question without its number. */
export type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: MltsError) => void;
}

// Compiled or not, the worker lies beside this file and has its suffix.
const SCRIPT = new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url);

let current: Device | undefined;

export class Device {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #end: MltsError | undefined;

  /**
   * The process's device; made where there is none.
   * @param threads of its work on processors; who asks first decides
   * @throws MltsError E_UNAVAILABLE where TensorFlow.js is not installed
   */
  static shared(threads?: number): Device {
    if (current === undefined || current.#end !== undefined) {
      runtimeFile();
      prepareEnvironment(threads);
      current = new Device();
    }
    return current;
  }

  private constructor() {
    this.#worker = new Worker(SCRIPT);
    this.#worker.on('message', (answer: Answer) => this.#answer(answer));
    this.#worker.on('error', (cause) => this.#fail(`: ${cause.message}`, cause));
    this.#worker.on('exit', () => this.#fail(''));
    this.#worker.unref();
  }

  /** @returns the answer and its number @throws what failed there */
  ask(question: Asked): Promise<Answer> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = ++this.#lastId;
    return new Promise<Answer>((resolve, reject) => {
      if (this.#waiting.size === 0) this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...question, id });
    });
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('failure' in answer) waiting?.reject(toError(answer.failure));
    else waiting?.resolve(answer);
  }

  #fail(why: string, cause?: unknown): void {
    const remedy = 'Load the model again, and report this with the input that led here.';
    this.#end ??= new MltsError('E_INTERNAL', `the TensorFlow.js thread ended${why}`, remedy, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}
