// One evaluation of a batch in one precision: neighbours → descriptor → networks → descriptor's gradient → sums.
//
// Centers (atoms whose energy counts) of all systems form one sequence, worked through in blocks whose descriptors and
// gradients stay in cache; resident memory grows with positions and neighbour candidates only.
#pragma once

#include <memory>
#include <vector>

#include "../ani/packed_networks.hpp"
#include "../kernels/descriptor_constants.hpp"
#include "../neighbours/center_block.hpp"
#include "../neighbours/verlet_list.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "batch.hpp"
#include "mlts/potential.hpp"
#include "network_pass.hpp"
#include "reduce.hpp"
#include "tiles.hpp"

namespace mlts {

template <class T>
class Evaluation {
 public:
  Evaluation(const AniModel& model, const Kernels<T>& kernels, ThreadPool& pool);

  // Throws E_CANCELLED. Returns the places in batch.systems that this precision is too coarse for.
  std::vector<int> run(const Batch& batch, const std::vector<System>& systems, std::vector<Result>& results,
                       const std::int32_t* cancelled, Stages& stages);
  std::size_t bytes() const;

 private:
  void packElements(const std::vector<char>& present);
  void refuseOverlaps(const Batch& batch, std::size_t first, std::vector<Result>& results) const;
  void reserveScratch(int members);
  void forward();
  void backward(const Batch& batch, std::size_t first, const Wanted& wanted);
  void addEnergies(const Batch& batch, std::size_t first, std::vector<EnergySum>& sums, std::vector<char>& coarse,
                   std::vector<Result>& results) const;

  const AniModel& model_;
  const Kernels<T>& kernels_;
  ThreadPool& pool_;
  DescriptorConstants<T> constants_;
  BlockMap map_;
  std::vector<PackedElement<T>> elements_;  // packed when first needed
  CenterBlock<T> block_;
  TileSet tiles_;
  NetworkPass<T> network_;
  Buffer<T> descriptor_, energies_;
  ForceSums<T> forces_;
  std::vector<Buffer<char>> scratch_;  // [threads]
};

}  // namespace mlts
