// The atoms of a system and those periodic images of them that lie within reach of its cell.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lattice.hpp"

namespace mlts {

struct Image {
  std::int32_t atom;
  std::array<std::int32_t, 3> shift;  // lattice vectors added to the atom's own, wrapped, position
};

struct Images {
  // [atoms] lattice vectors to add to the given positions to bring atoms into the cell.
  std::vector<std::array<std::int32_t, 3>> wrap;
  std::vector<Image> all;  // the atoms themselves first, in order

  // Every point within reach (Å) of an atom in the cell is among them. Throws E_LIMIT when they would be too many.
  void build(const Lattice& lattice, const double* positions, int atoms, double reach);

 private:
  std::vector<Vec3> fractional_;  // of all
};

}  // namespace mlts
