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

// What is to be known of a model to keep frames for it.
struct FrameModel {
  std::vector<int> elements;         // atomic numbers
  std::vector<double> selfEnergies;  // [element] eV
  double minDistance;                // Å
  double cutoff;                     // Å
  double innerCutoff;                // neighbours within it come first in their element's segment
};

template <class T>
class FrameStore {
 public:
  FrameStore(FrameModel model, const Kernels<T>& kernels, decltype(NeighbourKernels<float>::within) within,
             ThreadPool& pool);
  // From now on descriptors are kept with the frames as long as all frames together take no more than `bytes`.
  void keepDescriptors(const Descriptor<T>& d, const BlockMap& map, const TrainingKernels<T>& training,
                       std::size_t bytes);

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

  struct Keeping {
    const Descriptor<T>* descriptor = nullptr;
    const BlockMap* map;
    const TrainingKernels<T>* training;
    std::size_t bytes = 0;
    std::vector<std::int16_t> dense;  // 0, 1, 2 …
  };

  FrameModel model_;
  const Kernels<T>& kernels_;
  decltype(NeighbourKernels<float>::within) within_;
  ThreadPool& pool_;
  Keeping keeping_;
  std::array<int, 256> elementOf_;
  std::vector<std::unique_ptr<StoredFrame<T>>> frames_;
  std::vector<int> free_;
  std::atomic<std::size_t> bytes_{0};  // read by other threads while frames are loaded
};

}  // namespace mlts
