// Labelled structures in memory, each with the neighbours of its atoms: 14 bytes a neighbour in single precision.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "../engine/tiles.hpp"
#include "../kernels/training.hpp"
#include "../neighbours/verlet_list.hpp"
#include "../runtime/buffer.hpp"
#include "loss.hpp"
#include "mlts/trainer.hpp"

namespace mlts {

template <class T>
struct StoredFrame {
  FrameFacts facts;
  double energy = 0;                     // eV without self energies
  double selfEnergy = 0;                 // eV
  std::vector<T> forces;                 // [atoms][3] eV/Å, or empty
  std::vector<double> virial;            // [3][3] eV, or empty
  std::vector<std::uint16_t> self;       // [centers] atom
  std::vector<std::uint8_t> element;     // [centers]
  std::vector<std::uint16_t> segment;    // [centers][2·elements + 1]
  std::vector<std::uint32_t> first;      // [centers + 1] first neighbour
  std::vector<T> vectors;                // per center x…, y…, z… of its neighbours, Å; 16 of padding at the end
  std::vector<std::uint16_t> neighbour;  // atoms
  // Per center the blocks of the descriptor that it sees, if they are kept: then seen[center] … seen[center + 1].
  std::vector<T> descriptor;
  std::vector<std::uint32_t> seen;
  int mostNeighbours = 0;

  int centers() const { return static_cast<int>(self.size()); }
  std::size_t bytes() const;
};

// One center's neighbours unpacked for the kernels.
template <class T>
class CenterArraysOf {
 public:
  Center<T> unpack(const StoredFrame<T>& frame, int k, const Descriptor<T>& d, const TrainingKernels<T>& kernels);

 private:
  Buffer<T> geometry_;
  Buffer<std::int32_t> atoms_;
};

template <class T>
class FrameStore {
 public:
  // Descriptors are kept as long as all frames together take no more than `descriptorBytes`.
  FrameStore(const AniModel& model, const Descriptor<T>& d, const BlockMap& map, const Kernels<T>& kernels,
             const TrainingKernels<T>& training, decltype(NeighbourKernels<float>::within) within, ThreadPool& pool,
             std::size_t descriptorBytes);

  std::vector<Trainer::Loaded> load(const std::vector<LabelledFrame>& frames);
  void unload(const std::vector<int>& ids);
  // Throws E_USAGE.
  const StoredFrame<T>& frame(int id) const;
  std::size_t bytes() const { return bytes_; }

 private:
  struct Scratch {
    VerletList list;
    std::vector<std::int32_t> elements;
    Buffer<T> geometry;
    Buffer<std::int32_t> atoms;
    Buffer<double> spare;
    CenterArraysOf<T> center;
    Buffer<char> kernel;
    Buffer<T> row;
  };
  std::unique_ptr<StoredFrame<T>> store(const LabelledFrame& frame, Scratch& scratch) const;
  void checkLabels(const LabelledFrame& frame) const;
  void storeCenter(StoredFrame<T>& out, int k, Scratch& scratch) const;
  void storeDescriptors(StoredFrame<T>& out, Scratch& scratch) const;

  const AniModel& model_;
  const Descriptor<T>& descriptor_;
  const BlockMap& map_;
  const Kernels<T>& kernels_;
  const TrainingKernels<T>& training_;
  decltype(NeighbourKernels<float>::within) within_;
  ThreadPool& pool_;
  std::size_t descriptorBytes_;
  std::vector<std::int16_t> dense_;  // 0, 1, 2 …
  std::array<int, 256> elementOf_;
  std::vector<std::unique_ptr<StoredFrame<T>>> frames_;
  std::vector<int> free_;
  std::atomic<std::size_t> bytes_{0};  // read by other threads while frames are loaded
};

}  // namespace mlts
