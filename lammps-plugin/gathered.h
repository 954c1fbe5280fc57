// SPDX-License-Identifier: GPL-2.0-or-later
// The atoms of all ranks as one whole system on rank 0, which alone asks the server, and the way of its results back.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <vector>

#include "client/wire.h"
#include "selection.h"

namespace mlts {

class Gathered {
 public:
  explicit Gathered(MPI_Comm world);

  // Puts the selected atoms of all ranks together, in the order of the ranks. Collective.
  void gather(const Selection& mine, bool changed);

  // Atoms of all ranks; known to all.
  std::size_t atoms() const { return static_cast<std::size_t>(firsts_.back()); }
  // Place of an atom of the whole in this rank's selection; −1 for those of other ranks.
  long mine(long atom) const;
  // Whether any rank's atoms are not those of the last time, in their order; known to all.
  bool changed() const { return changed_; }
  // [atoms], [atoms,3] Å; on rank 0 only.
  const std::vector<int32_t>& numbers() const { return numbers_; }
  const std::vector<double>& positions() const { return positions_; }

  // Each rank's slice of the whole's per-atom arrays; all else stays with rank 0. `whole` is null on other ranks. Valid
  // until the next call. Collective.
  Evaluation scatter(const Evaluation* whole, Want want);

  std::size_t bytes() const;

 private:
  // How many numbers each rank has of `width` an atom, and where they begin in the whole.
  void layOut(int width, int size);
  Array<double> slice(const Array<double>* whole, int width, std::vector<double>& mine);

  MPI_Comm world_;
  int rank_ = 0;
  bool changed_ = false;
  std::vector<int> words_;             // [ranks]
  std::vector<int> firsts_;            // [ranks+1] place of each rank's first atom in the whole
  std::vector<int> counts_, offsets_;  // [ranks], of one exchange
  std::vector<int32_t> numbers_;
  std::vector<double> positions_;
  std::vector<double> forces_, energies_, virials_, sigmaEnergies_, sigmaForces_;  // of this rank's atoms
};

}  // namespace mlts
