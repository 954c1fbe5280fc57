// The neighbours of a block of centers, in the form the descriptor kernels take: made anew every step, block after
// block, in the same memory.
#pragma once

#include <cstdint>
#include <vector>

#include "../engine/tiles.hpp"
#include "../kernels/interface.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "verlet_list.hpp"

namespace mlts {

struct CenterRef {
  const VerletList* list;
  int center;     // of that list
  int firstAtom;  // index of the system's first atom in the force array
};

// Groups of blocks that a center with these segments of neighbours (see Center) sees.
template <class T>
GroupMask groupsSeen(const std::uint16_t* segment, const Descriptor<T>& d);

template <class T>
class CenterBlock {
 public:
  // Filters the candidates of `count` centers. Throws E_LIMIT if a center has more than 65535 neighbours.
  void build(const CenterRef* centers, int count, const Descriptor<T>& d, const NeighbourKernels<T>& kernels,
             ThreadPool& pool);

  int count() const { return count_; }
  const Center<T>& center(int k) const { return centers_[k]; }
  const int* elements() const { return elements_.data(); }
  const GroupMask* masks() const { return masks_.data(); }
  // Triples, roughly the time a center takes.
  std::uint32_t triples(int k) const { return triples_[k]; }
  int mostNeighbours() const { return mostNeighbours_; }

  // Distance from center k to its nearest neighbour, in Å; beyond the cutoff if it has none.
  T nearest(int k) const { return nearest_[k]; }
  std::size_t bytes() const;

 private:
  void summarise(int k, const Descriptor<T>& d);

  int count_ = 0, mostNeighbours_ = 0;
  Buffer<T> geometry_;  // per center dx, dy, dz, r, each of its capacity
  Buffer<std::int32_t> atoms_;
  std::vector<std::uint16_t> segments_;
  std::vector<std::size_t> offset_;  // [count + 1] in atoms_
  std::vector<Center<T>> centers_;
  std::vector<int> elements_;
  std::vector<GroupMask> masks_;
  std::vector<std::uint32_t> triples_;
  std::vector<T> nearest_;
  std::vector<Buffer<double>> spare_;  // [threads]
};

}  // namespace mlts
