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
#include "mlts/potential.hpp"
#include "network_pass.hpp"
#include "reduce.hpp"
#include "tiles.hpp"

namespace mlts {

template <class T>
class Evaluation {
 public:
  Evaluation(const AniModel& model, const Kernels<T>& kernels, ThreadPool& pool);

  // Systems whose result already holds an error are left out. Throws E_CANCELLED.
  void run(const std::vector<System>& systems, std::vector<Result>& results, const std::int32_t* cancelled,
           Stages& stages);
  std::size_t bytes() const;

 private:
  struct Wanted {
    bool gradient = false;  // forces or a virial of any kind
    bool separate = false;  // every member's forces
    bool atomVirials = false;
  };

  static Wanted wantedOf(const std::vector<Result>& results, int members);
  void packElements(const std::vector<System>& systems, const std::vector<Result>& results);
  void forward(ThreadPool& pool);
  void backward(const Wanted& wanted);
  void addEnergies(std::vector<EnergySum>& sums, std::vector<Result>& results, T scale);

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
  std::vector<Buffer<char>> scratch_;
};

}  // namespace mlts
