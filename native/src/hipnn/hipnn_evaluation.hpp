// One evaluation of a batch in one precision: pairs → interaction blocks forward → backward → sums.
//
// All but the last block store what their backward pass needs; the last one goes forward and back chunk by chunk in
// cache. Members share rows and pairs. Small systems work on several members at once, large ones on one after another:
// tasks are (member, chunk). Gradients are scattered into one accumulator a part, a part being a fixed range of tasks,
// so that results are the same each time.
#pragma once

#include <vector>

#include "../engine/batch.hpp"
#include "../engine/reduce.hpp"
#include "layer_pass.hpp"

namespace mlts {

template <class T>
class HipnnEvaluation {
 public:
  HipnnEvaluation(const HipnnModel& model, const Kernels<T>& kernels, ThreadPool& pool);

  // Throws E_CANCELLED. Returns the places in batch.systems that this precision is too coarse for.
  std::vector<int> run(const Batch& batch, const std::vector<System>& systems, std::vector<Result>& results,
                       const std::int32_t* cancelled, Stages& stages);
  std::size_t bytes() const;

 private:
  // Several members at once.
  struct Group {
    int first, count;
  };
  // A fixed range of tasks and what it scatters to. Backward through block b accumulates in gradients[b % 2].
  struct Part {
    std::size_t firstTask = 0, endTask = 0;
    struct Gradients {
      int firstMember = 0, endMember = 0;  // of the group
      Buffer<T> values;                    // [members][rows][width]
    } gradients[2];
    int firstMember = 0, endMember = 0;  // as to the following
    Buffer<T> forces;                    // [members][rows][4]
    Buffer<double> virials;              // [members][systems][9]
    Buffer<T> atomVirials;               // [members][rows][9]
  };

  void packMembers(bool separate);
  void arrange(const Batch& batch, const std::vector<System>& systems);
  void reserve(Group group, bool gradient);
  void refuseOverlaps(const Batch& batch, std::vector<Result>& results) const;
  void forwardBlock(Group group, int block);
  void lastBlock(Group group, const Wanted& wanted, std::size_t systems);
  void backwardBlock(Group group, int block, const Wanted& wanted, std::size_t systems);
  void deal(Group group, int block, const Wanted& wanted, std::size_t systems);
  void zero(Part& part, int block, const Wanted& wanted, std::size_t systems);
  void backwardChunk(Group group, Part& part, int local, int block, int chunk, const Saved<T>& saved,
                     PassScratch<T>& scratch);
  void addForces(Part& part, int local, const RowChunk& chunk, const Wanted& wanted, std::size_t systems);
  void storeEnergies(int member, int block, const RowChunk& chunk, const PassScratch<T>& scratch);
  void sumForces(Group group, const Wanted& wanted, std::size_t systems);
  std::vector<int> finish(const Batch& batch, const std::vector<System>& systems, const Wanted& wanted,
                          std::vector<Result>& results) const;

  const PackedBlock<T>& packed(int member, int block) const { return packed_[member * blocks_ + block]; }
  // z of all rows before a block.
  T* features(int local, int block) {
    return block == 0 ? nullptr : features_.data() + (local * (blocks_ - 1) + block - 1) * rowValues_;
  }
  Saved<T> saved(int local, int block);
  Saved<T> savedInScratch(const RowChunk& chunk, PassScratch<T>& scratch) const;
  T* pairGradient(int local) {
    return pairGradients_.data() + local * rows_.pairSlots() * (pass_.components() == 1 ? 1 : 3);
  }

  const HipnnModel& model_;
  const Kernels<T>& kernels_;
  const HipnnKernels<T>& hipnn_;
  ThreadPool& pool_;
  int blocks_;
  Windows<T> windows_;
  LayerPass<T> pass_;
  std::vector<PackedBlock<T>> packed_;  // [members][blocks], packed at the first evaluation
  std::vector<Buffer<T>> scaledHeads_;  // [members·blocks] in eV, of the mean or of each member
  PairRows<T> rows_;
  std::size_t rowValues_ = 0;  // rows·width
  Buffer<T> features_, slopes_, factors_, pairGradients_;
  std::vector<Part> parts_;
  std::vector<PassScratch<T>> scratch_;  // [threads]
  ForceSums<T> forces_;
  std::vector<double> energies_;  // [owned][members][blocks] eV
  const std::int32_t* cancelled_ = nullptr;
};

}  // namespace mlts
