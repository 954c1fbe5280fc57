// Parameters of the members of an ensemble as the gradient's kernels want them, with Adam's moments: one array a
// member, cut into runs that begin and end at multiples of 16. Padding is 0 and stays 0.
#pragma once

#include <functional>
#include <vector>

#include "../kernels/training.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "mlts/trainer.hpp"

namespace mlts {

// Parameters that are stepped alike.
struct ParameterRun {
  std::size_t offset, length;
  int layer;     // whose settings they have
  bool weights;  // decay is for these
};

struct ParameterMap {
  std::size_t size = 0;              // of the array, a multiple of 16
  std::vector<std::uint32_t> place;  // [parameters] where each lies, in the model's own order
  std::vector<ParameterRun> runs;    // together all of the array
};

template <class T>
struct MemberParameters {
  Buffer<T> value, m, v, average;
  std::vector<Buffer<T>> gradient;  // [parts]
  std::int64_t steps = 0;
  bool averaged = false;
};

template <class T>
class Parameters {
 public:
  // values: [members][parameters] in the model's own order.
  Parameters(ParameterMap map, int members, const std::vector<double>& values, const TrainingKernels<T>& kernels,
             ThreadPool& pool);

  const ParameterMap& map() const { return map_; }
  int members() const { return static_cast<int>(members_.size()); }
  MemberParameters<T>& operator[](int m) { return members_[m]; }

  // What is derived from the values is made again by this each time they have changed.
  void onChange(std::function<void()> derive);
  void changed() const {
    if (derive_) derive_();
  }
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
  ParameterMap map_;
  std::function<void()> derive_;
  const TrainingKernels<T>& kernels_;
  ThreadPool& pool_;
  std::vector<MemberParameters<T>> members_;
};

}  // namespace mlts
