#include "lattice.hpp"

#include <cmath>
#include <string>

#include "mlts/error.hpp"

namespace mlts {
namespace {

double dot(const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
double norm(const Vec3& a) { return std::sqrt(dot(a, a)); }
Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vec3 scaled(const Vec3& a, double s) { return {a[0] * s, a[1] * s, a[2] * s}; }
Vec3 unit(const Vec3& a) { return scaled(a, 1 / norm(a)); }

// A unit vector perpendicular to a.
Vec3 perpendicular(const Vec3& a) {
  const int smallest = std::fabs(a[0]) < std::fabs(a[1]) ? (std::fabs(a[0]) < std::fabs(a[2]) ? 0 : 2)
                                                         : (std::fabs(a[1]) < std::fabs(a[2]) ? 1 : 2);
  Vec3 e{};
  e[smallest] = 1;
  return unit(cross(a, e));
}

// Volume over the product of edge lengths below which vectors count as dependent.
constexpr double flat = 1e-6;

[[noreturn]] void fail(const std::string& what) {
  throw Error("E_CELL", what, "Give three independent, right-handed lattice vectors for a periodic system.");
}

}  // namespace

Lattice::Lattice(const double* cell, const bool* pbc) : pbc_{pbc[0], pbc[1], pbc[2]} {
  rows_ = {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
  const int count = pbc_[0] + pbc_[1] + pbc_[2];
  if (count > 0 && !cell) fail("a periodic system has no cell");
  for (int k = 0; k < 3; k++) {
    if (!pbc_[k]) continue;
    rows_[k] = {cell[3 * k], cell[3 * k + 1], cell[3 * k + 2]};
    if (!std::isfinite(norm(rows_[k]))) fail("lattice vector " + std::to_string(k) + " is not finite");
    if (norm(rows_[k]) == 0) fail("lattice vector " + std::to_string(k) + " of a periodic axis is zero");
  }
  for (int k = 0; k < 3; k++) {
    const int next = (k + 1) % 3, last = (k + 2) % 3;
    if (count == 1 && pbc_[k]) {
      rows_[next] = perpendicular(rows_[k]);
      rows_[last] = unit(cross(rows_[k], rows_[next]));
    } else if (count == 2 && !pbc_[k]) {
      const Vec3 normal = cross(rows_[next], rows_[last]);
      if (norm(normal) <= flat * norm(rows_[next]) * norm(rows_[last]))
        fail("the two periodic lattice vectors are parallel");
      rows_[k] = unit(normal);
    }
  }
  const double volume = dot(rows_[0], cross(rows_[1], rows_[2]));
  if (std::fabs(volume) <= flat * norm(rows_[0]) * norm(rows_[1]) * norm(rows_[2]))
    fail("the cell is singular: its volume is " + std::to_string(volume) + " Å³");
  if (volume < 0) fail("the cell is left-handed: its volume is " + std::to_string(volume) + " Å³");
  for (int k = 0; k < 3; k++) {
    inverse_[k] = scaled(cross(rows_[(k + 1) % 3], rows_[(k + 2) % 3]), 1 / volume);
    heights_[k] = 1 / norm(inverse_[k]);
  }
}

Vec3 Lattice::fractional(const Vec3& x) const {
  return {dot(x, inverse_[0]), dot(x, inverse_[1]), dot(x, inverse_[2])};
}

Vec3 Lattice::cartesian(const Vec3& f) const {
  Vec3 x;
  for (int c = 0; c < 3; c++) x[c] = f[0] * rows_[0][c] + f[1] * rows_[1][c] + f[2] * rows_[2][c];
  return x;
}

}  // namespace mlts
