#include "images.hpp"

#include <cmath>
#include <string>

#include "mlts/error.hpp"

namespace mlts {
namespace {

// A cell of one atom may be a tenth of the cutoff across before its images exceed this.
constexpr double mostImages = 2e6;
constexpr double mostImagesPerAtom = 64;
// An atom this many cells away from the origin has lost the digits that its neighbours need.
constexpr double mostWraps = 1e9;

}  // namespace

void Images::build(const Lattice& lattice, const double* positions, int atoms, double reach) {
  double expected = atoms;
  for (int k = 0; k < 3; k++)
    if (lattice.periodic(k)) expected *= 1 + 2 * reach / lattice.height(k);
  if (expected > mostImages && expected > mostImagesPerAtom * atoms)
    throw Error("E_LIMIT",
                "the cell is so small that about " + std::to_string(static_cast<long long>(expected)) +
                    " periodic images lie within " + std::to_string(reach) + " Å of it",
                "Check the cell, or repeat it to a few Å across.");
  wrap.assign(atoms, {0, 0, 0});
  all.clear();
  fractional_.clear();
  for (int i = 0; i < atoms; i++) {
    all.push_back({i, {0, 0, 0}});
    if (!lattice.anyPeriodic()) continue;
    Vec3 f = lattice.fractional({positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]});
    for (int k = 0; k < 3; k++) {
      if (!lattice.periodic(k)) continue;
      const double cells = std::floor(f[k]);
      if (!(std::fabs(cells) < mostWraps))
        throw Error("E_LIMIT",
                    "atom " + std::to_string(i) + " lies " + std::to_string(cells) + " cells away from the origin",
                    "Wrap the positions into the cell.", i);
      wrap[i][k] = -static_cast<std::int32_t>(cells);
      f[k] -= cells;
    }
    fractional_.push_back(f);
  }
  // Axis after axis, so that only what the axes before kept is repeated.
  for (int k = 0; k < 3; k++) {
    if (!lattice.periodic(k)) continue;
    const double margin = reach / lattice.height(k);
    const int layers = static_cast<int>(std::ceil(margin));
    const std::size_t count = all.size();
    for (int s = -layers; s <= layers; s++) {
      if (s == 0) continue;
      for (std::size_t q = 0; q < count; q++) {
        Vec3 f = fractional_[q];
        f[k] += s;
        if (f[k] < -margin || f[k] > 1 + margin) continue;
        Image image = all[q];
        image.shift[k] = s;
        all.push_back(image);
        fractional_.push_back(f);
      }
    }
  }
}

}  // namespace mlts
