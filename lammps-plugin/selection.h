// SPDX-License-Identifier: GPL-2.0-or-later
// Which of a rank's atoms go to the server: its own of mapped types, then the ghosts near enough to matter to them.
#pragma once

#include <cstdint>
#include <vector>

namespace mlts {

// A rank's atoms as LAMMPS holds them: nlocal owned ones, then nghost ghosts.
struct RankAtoms {
  const double* const* x;  // [nlocal+nghost][3] Å
  const int* type;
  int nlocal;
  int nghost;
};

class Selection {
 public:
  // Atoms to be sent, as indices into the rank's arrays; the first owned() are owned.
  const std::vector<int>& index() const { return index_; }
  std::size_t owned() const { return owned_; }
  const std::vector<int32_t>& numbers() const { return numbers_; }     // [n] atomic numbers
  const std::vector<double>& positions() const { return positions_; }  // [n,3] Å

  // Chooses anew if `rebuilt` or if the counts or types are not those of the last call. Returns whether it did.
  // `numberOf` maps types (from 1) to atomic numbers, 0 for those that are not sent. Ghosts farther than `distance`
  // from the box around the owned atoms are left out.
  bool choose(const RankAtoms& atoms, const std::vector<int32_t>& numberOf, double distance, bool rebuilt);

  // Takes the atoms' present positions.
  void locate(const RankAtoms& atoms);

  std::size_t bytes() const {
    return (types_.capacity() + index_.capacity() + numbers_.capacity()) * sizeof(int) +
           positions_.capacity() * sizeof(double);
  }

 private:
  std::vector<int> types_, index_;
  int nlocal_ = -1;
  std::size_t owned_ = 0;
  std::vector<int32_t> numbers_;
  std::vector<double> positions_;
};

}  // namespace mlts
