#include "grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlts {
namespace {

constexpr double mostCellsAnAxis = 1 << 20;  // three axes fit a 64-bit key
constexpr double denseCellsPerPoint = 4;
constexpr double denseCellsAlways = 4096;
constexpr double alongRun = 0.5;  // cells along a run are finer: they cost nothing and trim its ends

}  // namespace

void Grid::build(const Vec3* points, int count, double reach) {
  reach_ = reach;
  Vec3 high;
  low_.fill(std::numeric_limits<double>::infinity());
  high.fill(-std::numeric_limits<double>::infinity());
  for (int i = 0; i < count; i++) {
    for (int k = 0; k < 3; k++) {
      low_[k] = std::min(low_[k], points[i][k]);
      high[k] = std::max(high[k], points[i][k]);
    }
  }
  if (count == 0) low_ = high = {0, 0, 0};
  extent_ = 0;
  double total = 1;
  for (int k = 0; k < 3; k++) {
    const double edge = k == 2 ? alongRun * reach : reach, length = high[k] - low_[k];
    extent_ = std::max(extent_, length);
    cells_[k] = static_cast<int>(std::clamp(length / edge, 1.0, mostCellsAnAxis));
    perCell_[k] = length > 0 ? cells_[k] / length : 0.0;
    total *= cells_[k];
  }
  dense_ = total <= std::max(denseCellsAlways, denseCellsPerPoint * count);

  std::vector<std::int64_t> keyOf(count);
  for (int i = 0; i < count; i++)
    keyOf[i] = key(cellOf(points[i][0], 0), cellOf(points[i][1], 1), cellOf(points[i][2], 2));
  order_.resize(count);
  if (dense_) {
    keys_.clear();
    starts_.assign(static_cast<std::size_t>(total) + 1, 0);
    for (int i = 0; i < count; i++) starts_[keyOf[i] + 1]++;
    for (std::size_t c = 1; c < starts_.size(); c++) starts_[c] += starts_[c - 1];
    std::vector<std::int32_t> next(starts_.begin(), starts_.end() - 1);
    for (int i = 0; i < count; i++) order_[next[keyOf[i]]++] = i;
  } else {
    for (int i = 0; i < count; i++) order_[i] = i;
    std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return keyOf[a] < keyOf[b]; });
    keys_.resize(count);
    for (int p = 0; p < count; p++) keys_[p] = keyOf[order_[p]];
  }
}

int Grid::cellOf(double x, int axis) const {
  const double cell = (x - low_[axis]) * perCell_[axis];
  return cell > 0 ? std::min(static_cast<int>(std::min(cell, mostCellsAnAxis)), cells_[axis] - 1) : 0;
}

int Grid::firstAtOrAfter(std::int64_t key) const {
  if (dense_) return starts_[key];
  return static_cast<int>(std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin());
}

int Grid::runs(const Vec3& x, Run* out) const {
  // Cells are never smaller than asked for, except where a bound on their number makes them larger.
  const int x0 = cellOf(x[0] - reach_, 0), x1 = cellOf(x[0] + reach_, 0);
  const int y0 = cellOf(x[1] - reach_, 1), y1 = cellOf(x[1] + reach_, 1);
  const int z0 = cellOf(x[2] - reach_, 2), z1 = cellOf(x[2] + reach_, 2);
  int count = 0;
  for (int i = x0; i <= x1; i++) {
    for (int j = y0; j <= y1; j++) {
      const Run run{firstAtOrAfter(key(i, j, z0)), firstAtOrAfter(key(i, j, z1) + 1)};
      if (run.begin < run.end) out[count++] = run;
    }
  }
  return count;
}

}  // namespace mlts
