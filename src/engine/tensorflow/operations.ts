/** The part of TensorFlow.js that the backend uses, typed here because the package is installed apart from mlts. */

export interface Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  dataSync(): Float32Array;
  reshape(shape: readonly number[]): Tensor;
  add(other: Tensor | number): Tensor;
  sub(other: Tensor | number): Tensor;
  mul(other: Tensor | number): Tensor;
  div(other: Tensor | number): Tensor;
  neg(): Tensor;
  dispose(): void;
}

/** Functions of https://js.tensorflow.org/api/4.22.0/ by their names there. */
export interface TensorFlow {
  readonly version: Readonly<Record<string, string>>;
  backend(): { readonly isUsingGpuDevice: boolean; readonly binding: { readonly TF_Version: string } };
  getBackend(): string;
  memory(): { readonly numTensors: number; readonly numBytes: number };
  tidy<T>(compute: () => T): T;
  keep(tensor: Tensor): Tensor;
  dispose(tensors: readonly Tensor[]): void;
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype: 'float32' | 'int32'): Tensor;
  scalar(value: number): Tensor;
  zeros(shape: readonly number[]): Tensor;
  ones(shape: readonly number[]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  concat(tensors: readonly Tensor[], axis?: number): Tensor;
  gather(from: Tensor, indices: Tensor, axis?: number): Tensor;
  unsortedSegmentSum(values: Tensor, segments: Tensor, count: number): Tensor;
  slice(from: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  transpose(from: Tensor, axes: readonly number[]): Tensor;
  sum(from: Tensor, axis?: number | readonly number[]): Tensor;
  exp(x: Tensor): Tensor;
  cos(x: Tensor): Tensor;
  sin(x: Tensor): Tensor;
  sqrt(x: Tensor): Tensor;
  square(x: Tensor): Tensor;
  pow(x: Tensor, power: number): Tensor;
  maximum(a: Tensor, b: Tensor | number): Tensor;
  minimum(a: Tensor, b: Tensor | number): Tensor;
  elu(x: Tensor): Tensor;
  softplus(x: Tensor): Tensor;
  grads(f: (...x: Tensor[]) => Tensor): (x: readonly Tensor[]) => Tensor[];
}
