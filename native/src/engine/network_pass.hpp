// The networks of all members over the tiles of one block of atoms: forward to the atomic energies, backward to the
// descriptor.
#pragma once

#include <vector>

#include "../ani/packed_networks.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "tiles.hpp"

namespace mlts {

template <class T>
struct NetworkInputs {
  const TileSet* tiles;
  const std::vector<PackedElement<T>>* elements;
  const T* descriptor;  // values of all tiles
  int members;
  bool separate;  // gradients of each member, else of the members' mean
  T scale;        // eV per unit of output; divided by the members where only the mean is wanted
  T celuAlpha;
  int blocks;  // column blocks of the whole descriptor
};

template <class T>
class NetworkPass {
 public:
  // energies[row·members + m] in network units; gradients as `gradient` says.
  void run(const NetworkInputs<T>& in, const NetworkKernels<T>& kernels, ThreadPool& pool, T* energies);

  // ∂E_m/∂x of a tile (member 0 where not separate). Valid until the next run.
  const T* gradient(const Tile& tile, int member) const {
    return gradients_.data() + static_cast<std::size_t>(member) * stride_ + tile.offset;
  }
  double flops() const { return flops_; }
  std::size_t bytes() const;

 private:
  struct Task {
    int firstTile, tileCount, firstMember, memberCount, slot;
    double cost;
  };
  struct Scratch {
    std::vector<Buffer<T>> layers;  // activations of one task, per hidden layer
    Buffer<T> weights, gradient;    // of one tile, where there are no hidden layers
    std::vector<TileProduct<T>> products;
    std::vector<std::int16_t> unionBlocks;
  };

  void plan(const NetworkInputs<T>& in, int threads);
  void runTask(const Task& task, const NetworkInputs<T>& in, const NetworkKernels<T>& kernels, Scratch& scratch,
               T* energies);
  void runLinearTask(const Task& task, const NetworkInputs<T>& in, const NetworkKernels<T>& kernels, Scratch& scratch,
                     T* energies);
  void storeEnergies(const NetworkInputs<T>& in, const Tile& tile, int member, const T* energy, T* energies) const;
  void sumSlots(const NetworkInputs<T>& in, ThreadPool& pool);

  std::vector<Task> tasks_;
  std::vector<Scratch> scratch_;
  std::vector<std::int16_t> dense_;  // 0, 1, 2 …
  Buffer<T> gradients_;
  std::size_t stride_ = 0;
  int slots_ = 1;
  double flops_ = 0;
};

}  // namespace mlts
