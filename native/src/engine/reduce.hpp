// From the threads' accumulators to what was wanted of each system: means, standard deviations (ddof 1), members.
#pragma once

#include <vector>

#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "mlts/potential.hpp"

namespace mlts {

// Forces and virials of a whole batch, in parts that are summed in the end, so that no two threads write the same line.
// lanes == 1: the mean over members; else members in the first lanes.
template <class T>
class ForceSums {
 public:
  void reset(ThreadPool& pool, std::size_t parts, std::size_t atoms, std::size_t systems, int lanes,
             bool perAtomVirials);

  T* forces(std::size_t part) { return parts_[part].forces.data(); }
  double* virial(std::size_t part, std::size_t system) { return parts_[part].virials.data() + system * 9 * lanes_; }
  T* atomVirials(std::size_t part) { return perAtomVirials_ ? parts_[part].atomVirials.data() : nullptr; }

  // Writes forces, virials and the σ_F family of one system whose atoms start at `first`.
  void write(ThreadPool& pool, const System& system, std::size_t index, std::size_t first, int members,
             Result& result) const;
  std::size_t bytes() const;

 private:
  struct Part {
    Buffer<T> forces;        // [atoms][4] or [atoms][3][lanes]
    Buffer<double> virials;  // [systems][9][lanes]
    Buffer<T> atomVirials;   // [atoms][9]
  };
  void writeMean(std::size_t atom, std::size_t local, Result& result) const;
  void writeMembers(std::size_t atom, std::size_t local, std::size_t atoms, int members, Result& result) const;

  std::vector<Part> parts_;
  int lanes_ = 1;
  bool perAtomVirials_ = false;
};

// Energies of one system, gathered atom by atom in double precision.
class EnergySum {
 public:
  EnergySum(int members) : sums_(members, 0.0) {}
  // energies[m] of atom `atom`, eV.
  void add(std::size_t atom, const double* energies, Result& result);
  void write(Result& result) const;

 private:
  std::vector<double> sums_;
};

}  // namespace mlts
