// Which sensitivity functions matter at which distance, found from the trained μ and σ.
//
// Bins of distance are common to all blocks and members of a model, windows are each block's own. Where no window is
// narrow, all distances become one bin of all functions.
#pragma once

#include <vector>

#include "../runtime/buffer.hpp"
#include "kernels.hpp"
#include "mlts/potential.hpp"

namespace mlts {

template <class T>
class Windows {
 public:
  explicit Windows(const HipnnModel& model);

  const PairBins<T>& bins() const { return bins_; }
  const Sensitivity<T>& of(int member, int block) const { return layers_[member * blocks_ + block].view; }
  // order[k]: index in the model of the k-th function by 1/μ.
  const std::vector<int>& order(int member, int block) const { return layers_[member * blocks_ + block].order; }
  std::size_t bytes() const;

 private:
  struct Interval {  // of 1/r, where a function is not negligible
    double begin, end;
  };
  struct Range {
    int first = 0, width = 0;
  };
  struct Layer {
    std::vector<int> order;
    std::vector<Interval> active;  // [functions], in that order
    Buffer<T> storage;
    std::vector<std::uint16_t> nearFirst;
    Sensitivity<T> view;
    Range window(double begin, double end) const;
  };

  void sort(Layer& layer, const HipnnModel& model, int member, int block) const;
  int widest(double begin, double end) const;
  double farthestEnd(double begin, int width) const;
  void chooseBins(double top);
  void setWindows(Layer& layer, double top) const;
  Range cell(const Layer& layer, int index, double low, double top) const;

  int blocks_;
  PairBins<T> bins_;
  std::vector<double> edges_;  // [bins + 1] in 1/r
  std::vector<Layer> layers_;  // [members][blocks]
};

}  // namespace mlts
