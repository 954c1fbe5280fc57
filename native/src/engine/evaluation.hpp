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

// The systems of a batch that are evaluated, with the neighbour list of each.
struct Batch {
  struct Member {
    std::size_t index;  // in the caller's arrays
    VerletList* list;
    std::size_t firstAtom;  // in the arrays over all atoms
  };
  std::vector<Member> systems;
  std::size_t atoms = 0;
  std::vector<CenterRef> centers;
  std::vector<int> systemOfCenter;  // index into `systems`
  std::vector<char> hasElement;     // [elements] of the model
};

template <class T>
class Evaluation {
 public:
  Evaluation(const AniModel& model, const Kernels<T>& kernels, ThreadPool& pool);

  // Throws E_CANCELLED. Returns the places in batch.systems that this precision is too coarse for: an atom's network
  // energy is so large that its rounding may exceed 1e-5 eV. Real ones are of the size of bond energies.
  std::vector<int> run(const Batch& batch, const std::vector<System>& systems, std::vector<Result>& results,
                       const std::int32_t* cancelled, Stages& stages);
  std::size_t bytes() const;

 private:
  struct Wanted {
    bool gradient = false;  // forces or a virial of any kind
    bool separate = false;  // every member's forces
    bool atomVirials = false;
  };

  Wanted wantedOf(const Batch& batch, const std::vector<Result>& results) const;
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
