// Points sorted into cells, so that what lies near a point is a few contiguous runs. Memory is bounded by the number of
// points however far apart they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lattice.hpp"

namespace mlts {

class Grid {
 public:
  struct Run {
    int begin, end;
  };

  // Sorts points (all finite) into cells fit for searches within `reach`. order()[p] is the p-th point in sorted order.
  void build(const Vec3* points, int count, double reach);
  const std::vector<std::int32_t>& order() const { return order_; }
  const Vec3& lowest() const { return low_; }
  double extent() const { return extent_; }  // Å, the longest edge of the bounding box

  // Runs in sorted order that hold every point within reach of x; at most maxRuns.
  static constexpr int maxRuns = 25;
  int runs(const Vec3& x, Run* out) const;

 private:
  int cellOf(double x, int axis) const;
  std::int64_t key(int x, int y, int z) const { return (static_cast<std::int64_t>(x) * cells_[1] + y) * cells_[2] + z; }
  int firstAtOrAfter(std::int64_t key) const;

  Vec3 low_{}, perCell_{};
  double extent_ = 0, reach_ = 0;
  int cells_[3]{};
  bool dense_ = true;
  std::vector<std::int64_t> keys_;    // [points] of the points in sorted order; empty where dense
  std::vector<std::int32_t> starts_;  // [cells + 1] where dense
  std::vector<std::int32_t> order_;
};

}  // namespace mlts
