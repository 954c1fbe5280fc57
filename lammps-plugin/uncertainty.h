// SPDX-License-Identifier: GPL-2.0-or-later
// Disagreement of an ensemble's members, as sample standard deviations (ddof 1; 0 for one member). σ_F is not additive:
// the members' deviations are summed over ranks first, then the deviation is taken.
#pragma once

#include <vector>

#include "client/wire.h"

namespace mlts {

class Uncertainty {
 public:
  // 0 where σ_F comes ready.
  void setMembers(int members) { members_ = members; }
  // Numbers an atom in the reverse communication.
  int width() const { return 3 * members_; }

  // Zeroes all deviations and σ of `atoms` owned and ghost atoms.
  void clear(std::size_t atoms);
  // Takes σ_E and each member's F_m − F̄, or of a whole system σ_F, of the atoms that `index` names. `unit`: 1 eV in the
  // unit to hold them in.
  void take(const Evaluation& evaluation, const std::vector<int>& index, double unit);
  // Ghosts' deviations for their owners, as LAMMPS' reverse communication asks for them and hands them over.
  int pack(int count, int first, double* buffer) const;
  void unpack(int count, const int* list, const double* buffer);
  // σ_F,i = √(Σ_m |F_m,i − F̄_i|² / (M−1)) of the first `owned` atoms, from summed deviations.
  void finish(std::size_t owned);

  // [owned and ghost]; ghosts' are 0.
  std::vector<double>& forces() { return forces_; }
  std::vector<double>& energies() { return energies_; }
  std::size_t bytes() const {
    return (deviations_.capacity() + forces_.capacity() + energies_.capacity()) * sizeof(double);
  }

 private:
  int members_ = 0;
  std::vector<double> deviations_;  // [atoms, members, 3]
  std::vector<double> forces_, energies_;
};

// Sample standard deviation of n values; 0 for one.
double sampleDeviation(const double* values, int n);

}  // namespace mlts
