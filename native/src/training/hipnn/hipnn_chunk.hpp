// A chunk of frames on one thread: their pairs once, then for each member energies, forces, loss and the gradient of
// the parameters.
#pragma once

#include "../frame_sink.hpp"
#include "../frames.hpp"
#include "hipnn_pass.hpp"

namespace mlts {

template <class T>
class HipnnChunk {
 public:
  HipnnChunk(const HipnnLayout& layout, const std::vector<double>& selfEnergies, const std::string& isa)
      : network_(HipnnPass<T>::create(layout, isa)), blocks_(layout.blocks.size()), selfEnergies_(selfEnergies) {}

  // The frames must stay.
  void build(std::vector<const StoredFrame<T>*> frames);
  // values, gradient: [layout.map.size]; no gradient: only predictions.
  void run(const T* values, T* gradient, int member, bool withForces, FrameSink& sink);

 private:
  template <class F>
  void forEachRatio(int first, int end, F body) const;
  double hierarchicality(int first, int end) const;
  void addHierarchicality(int first, int end, double slope);
  void takeFrame(int frame, int member, bool withForces, FrameSink& sink);

  std::unique_ptr<HipnnPass<T>> network_;
  std::vector<const StoredFrame<T>*> frames_;
  std::vector<int> firstAtom_;  // [frames + 1]
  HipnnAtoms<T> atoms_;         // in the order of the frames' centers
  std::vector<int> place_;      // [atoms of a frame] its center
  std::size_t blocks_;
  std::vector<double> selfEnergies_;  // [elements] eV
  std::vector<T> energies_, slopes_;  // [blocks][atoms]
  std::vector<T> pairGradients_, tangents_;
  std::vector<double> forces_;
  bool moved_ = false;
};

}  // namespace mlts
