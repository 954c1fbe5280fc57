/** Run as a program: loads the runtime in the folder that it is given, multiplies, and says on stdout what it found. */
import { MltsError } from '../../errors.ts';
import { loadRuntime, prepareEnvironment } from './runtime.ts';

/** What a runtime says of itself once it has computed. */
export interface Probe {
  readonly tfjs: string;
  readonly libtensorflow: string;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
}

prepareEnvironment();
try {
  const tf = loadRuntime(process.argv[2]);
  const [product] = tf.tidy(() => tf.sum(tf.matMul(tf.ones([2, 3]), tf.ones([3, 4])))).dataSync();
  if (tf.getBackend() !== 'tensorflow' || product !== 24)
    throw new Error(`backend ${tf.getBackend()}, a sum of 24 is ${product}`);
  const probe: Probe = {
    tfjs: tf.version['tfjs-node'],
    libtensorflow: tf.backend().binding.TF_Version,
    gpu: tf.backend().isUsingGpuDevice,
  };
  process.stdout.write(JSON.stringify(probe));
} catch (error) {
  process.stderr.write(error instanceof MltsError ? error.what : String(error));
  process.exitCode = 1;
}
