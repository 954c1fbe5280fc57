// Weights and biases of one member in the order of the gradient's kernels, with Adam's moments.
//
// One array a member: per element and layer the weights as [inputs/16][outputs][16], then the biases; widths padded to
// multiples of 16, the first layer's inputs being the blocks of the descriptor. Padding is 0 and stays 0.
#pragma once

#include <functional>
#include <vector>

#include "../kernels/training.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "mlts/trainer.hpp"

namespace mlts {

struct LayerShape {
  int inputs, outputs;          // padded; the output layer's only output is not
  std::size_t weights, biases;  // offsets
  bool last;
};

struct ParameterLayout {
  std::vector<std::vector<LayerShape>> elements;  // [element][layer]
  std::size_t size = 0;                           // of the array, a multiple of 16
  std::vector<std::uint32_t> place;               // [parameters] where each lies, in the model's own order

  // column(block, lane): index in the model's own descriptor, or −1 for padding. Throws E_MODEL without hidden layers.
  ParameterLayout(const AniModel& model, int blocks, const std::function<int(int block, int lane)>& column);
};

template <class T>
struct MemberParameters {
  Buffer<T> value, m, v, average, forward;  // forward: hidden layers' weights as [outputs/16][inputs][16]
  std::vector<Buffer<T>> gradient;          // [parts]
  std::int64_t steps = 0;
  bool averaged = false;
};

template <class T>
class Parameters {
 public:
  Parameters(const AniModel& model, ParameterLayout layout, const TrainingKernels<T>& kernels, ThreadPool& pool);

  const ParameterLayout& layout() const { return layout_; }
  int members() const { return static_cast<int>(members_.size()); }
  MemberParameters<T>& operator[](int m) { return members_[m]; }

  // Derives `forward` of all members after the values have changed.
  void transpose();
  void swapAverages();  // values and averages, where there are averages
  void reserveGradients();

  // Gathers the parts of a member's gradient; returns its norm over what is not frozen.
  double gatherGradient(int m, const OptimiserSettings& settings);
  void step(int m, const OptimiserSettings& settings, double gradientNorm);

  void values(Weights which, double* out) const;
  void setValues(const double* values);
  void copyGradients(int m, double* out) const;
  std::vector<std::uint8_t> state() const;
  void restore(const std::uint8_t* bytes, std::size_t size);

 private:
  // f(offset, length, layer, whether they are weights) for each run of parameters of one kind.
  template <class F>
  void forEachRun(F f) const;

  ParameterLayout layout_;
  const TrainingKernels<T>& kernels_;
  ThreadPool& pool_;
  std::vector<MemberParameters<T>> members_;
};

}  // namespace mlts
