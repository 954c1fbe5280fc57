// Candidate neighbours of one system, kept over the steps of a trajectory: all pairs within cutoff + skin at the time
// of the last build (Verlet 1967, doi:10.1103/PhysRev.159.98), valid until atoms have moved by half the skin.
//
// Every periodic image within reach is a point of its own; candidates are points. Memory and time are O(atoms).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "../kernels/interface.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "grid.hpp"
#include "images.hpp"

namespace mlts {

struct ListInput {
  int atoms;
  int owned;                     // the first so many are centers; ghosts follow. `atoms` for a whole system
  const std::int32_t* elements;  // [atoms] index in the model's order
  int elementCount;
  const double* positions;  // [atoms][3] Å, finite
  const double* cell;       // [3][3] rows, or null
  bool pbc[3];
  // Layers of messages: ghosts that a center's energy reaches through shells − 1 others become centers too.
  int shells = 1;
};

class VerletList {
 public:
  // Brings candidates and points up to date; true if the candidates were rebuilt. `within` is any instruction set's.
  // pool may be null. Throws E_CELL, E_LIMIT.
  bool update(const ListInput& input, double cutoff, double skin, decltype(NeighbourKernels<float>::within) within,
              ThreadPool* pool);

  // Centers are numbered so that neighbours in space follow each other, the owned ones first, then shell after shell.
  int centers() const { return static_cast<int>(centerPoint_.size()); }
  // Centers of shells 0 (owned) … shell.
  int centersUpTo(int shell) const { return shellEnd_[shell]; }
  int atom(int center) const { return owner_[centerPoint_[center]]; }
  int element(int center) const { return elements_[atom(center)]; }
  int elementOfAtom(int atom) const { return elements_[atom]; }
  Candidates candidates(int center) const;
  int candidateCount(int center) const {
    return static_cast<int>(ends_[static_cast<std::size_t>(center + 1) * elementCount_ - 1]);
  }
  std::size_t bytes() const;
  int builds() const { return builds_; }

 private:
  bool sameSystem(const ListInput& input, double cutoff, double skin) const;
  bool stillValid(const ListInput& input, const Lattice& lattice, ThreadPool* pool);
  void build(const ListInput& input, const Lattice& lattice, decltype(NeighbourKernels<float>::within) within,
             ThreadPool* pool);
  void findCandidates(int begin, int end, decltype(NeighbourKernels<float>::within) within, ThreadPool* pool);
  void addShell(int begin, int end);
  void findCandidates(int center, decltype(NeighbourKernels<float>::within) within, struct SearchSpace& space,
                      std::vector<std::int32_t>& out);
  void movePoints(const ListInput& input, const Lattice& lattice, ThreadPool* pool);
  template <class F>
  static void forEach(ThreadPool* pool, std::size_t n, std::size_t grain, F&& body);

  double cutoff_ = 0, skin_ = 0;
  int atoms_ = -1, owned_ = 0, elementCount_ = 0, shells_ = 1, builds_ = 0;
  std::vector<std::int32_t> elements_;
  std::optional<Lattice> builtLattice_;
  std::vector<Vec3> builtPositions_;  // [atoms] wrapped
  Images images_;
  Grid grid_;

  // Points in the grid's order.
  Buffer<double> points_;  // [points][4]
  std::vector<std::int32_t> owner_;
  std::vector<std::uint8_t> pointElement_;
  std::vector<std::array<std::int32_t, 3>> shift_;
  Buffer<float> near_[3];  // coordinates relative to the grid, for the search
  std::vector<std::int32_t> centerPoint_;
  std::vector<int> shellEnd_;

  // Candidates of `centersPerChunk` centers share an array.
  static constexpr int centersPerChunk = 128;
  std::vector<std::vector<std::int32_t>> chunks_;
  std::vector<std::uint32_t> begins_;  // [centers] in its chunk
  std::vector<std::uint32_t> ends_;    // [centers][elements] relative to begins_
};

}  // namespace mlts
