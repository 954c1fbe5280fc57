// Lattice vectors of a partly periodic system: wrapping and the extent of the images that matter.
#pragma once

#include <array>

namespace mlts {

using Vec3 = std::array<double, 3>;

class Lattice {
 public:
  // cell: [3][3] rows are lattice vectors, or null without periodic axes. Rows of axes that are not periodic are
  // ignored. Throws E_CELL if the periodic vectors are missing, dependent or not finite, or the cell is left-handed.
  Lattice(const double* cell, const bool* pbc);

  bool periodic(int axis) const { return pbc_[axis]; }
  bool anyPeriodic() const { return pbc_[0] || pbc_[1] || pbc_[2]; }
  // Rows: the periodic lattice vectors, completed by unit vectors perpendicular to them.
  const std::array<Vec3, 3>& rows() const { return rows_; }
  // Distance between opposite faces, Å.
  double height(int axis) const { return heights_[axis]; }
  Vec3 fractional(const Vec3& x) const;
  Vec3 cartesian(const Vec3& f) const;

 private:
  bool pbc_[3];
  std::array<Vec3, 3> rows_, inverse_;  // inverse_[k]: x·inverse_[k] is the k-th fractional coordinate
  Vec3 heights_;
};

}  // namespace mlts
