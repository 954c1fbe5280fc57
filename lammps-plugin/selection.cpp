// SPDX-License-Identifier: GPL-2.0-or-later
#include "selection.h"

#include <algorithm>
#include <limits>

namespace mlts {

namespace {

// An axis-parallel box that starts empty.
struct Box {
  double low[3], high[3];
  Box() {
    std::fill(low, low + 3, std::numeric_limits<double>::infinity());
    std::fill(high, high + 3, -std::numeric_limits<double>::infinity());
  }
  void include(const double* r) {
    for (int k = 0; k < 3; k++) low[k] = std::min(low[k], r[k]), high[k] = std::max(high[k], r[k]);
  }
  double squaredDistance(const double* r) const {
    double sum = 0;
    for (int k = 0; k < 3; k++) {
      const double d = std::max({low[k] - r[k], r[k] - high[k], 0.0});
      sum += d * d;
    }
    return sum;
  }
};

}  // namespace

bool Selection::choose(const RankAtoms& atoms, const std::vector<int32_t>& numberOf, double distance, bool rebuilt) {
  const int all = atoms.nlocal + atoms.nghost;
  if (!rebuilt && atoms.nlocal == nlocal_ && types_.size() == static_cast<std::size_t>(all) &&
      std::equal(types_.begin(), types_.end(), atoms.type)) {
    return false;
  }
  nlocal_ = atoms.nlocal;
  types_.assign(atoms.type, atoms.type + all);
  index_.clear();
  Box box;
  for (int i = 0; i < atoms.nlocal; i++) {
    if (!numberOf[atoms.type[i]]) continue;
    index_.push_back(i);
    box.include(atoms.x[i]);
  }
  owned_ = index_.size();
  for (int i = atoms.nlocal; i < all && owned_ > 0; i++) {
    if (numberOf[atoms.type[i]] && box.squaredDistance(atoms.x[i]) <= distance * distance) index_.push_back(i);
  }
  numbers_.resize(index_.size());
  for (std::size_t k = 0; k < index_.size(); k++) numbers_[k] = numberOf[atoms.type[index_[k]]];
  return true;
}

void Selection::locate(const RankAtoms& atoms) {
  positions_.resize(3 * index_.size());
  double* to = positions_.data();
  for (const int i : index_) to = std::copy(atoms.x[i], atoms.x[i] + 3, to);
}

}  // namespace mlts
