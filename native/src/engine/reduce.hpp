// From the threads' accumulators to what was wanted of each system: means, standard deviations (ddof 1), members.
#pragma once

#include <vector>

#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "mlts/potential.hpp"

namespace mlts {

// Forces and virials of a whole batch, one copy a thread so that no two write the same line.
// lanes == 1: the mean over members; else members in the first lanes.
template <class T>
class ForceSums {
 public:
  void reset(ThreadPool& pool, std::size_t atoms, std::size_t systems, int lanes, bool perAtomVirials);

  T* forces(int thread) { return threads_[thread].forces.data(); }
  double* virial(int thread, std::size_t system) { return threads_[thread].virials.data() + system * 9 * lanes_; }
  T* atomVirials(int thread) { return perAtomVirials_ ? threads_[thread].atomVirials.data() : nullptr; }

  // Writes forces, virials and the σ_F family of one system whose atoms start at `first`.
  void write(ThreadPool& pool, const System& system, std::size_t index, std::size_t first, int members,
             Result& result) const;
  std::size_t bytes() const;

 private:
  struct PerThread {
    Buffer<T> forces;        // [atoms][4] or [atoms][3][lanes]
    Buffer<double> virials;  // [systems][9][lanes]
    Buffer<T> atomVirials;   // [atoms][9]
  };
  void writeMean(std::size_t atom, std::size_t local, Result& result) const;
  void writeMembers(std::size_t atom, std::size_t local, std::size_t atoms, int members, Result& result) const;

  std::vector<PerThread> threads_;
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
