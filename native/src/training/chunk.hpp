// A chunk of frames on one thread: descriptors once, then for each member the networks, forces, loss and the gradient
// of the weights, all in memory that stays in cache.
#pragma once

#include <vector>

#include "../engine/tiles.hpp"
#include "ani_layout.hpp"
#include "frame_sink.hpp"
#include "frames.hpp"

namespace mlts {

// What all threads share and none changes.
template <class T>
struct ChunkContext {
  const Descriptor<T>* descriptor;
  const BlockMap* map;
  const Kernels<T>* kernels;
  const TrainingKernels<T>* training;
  const AniLayout* layout;
  T celuAlpha;
  double energyScale;
  std::vector<std::int16_t> dense;  // 0, 1, 2 …
};

// One member's weights during a pass, and where its gradient goes; null: only predictions.
template <class T>
struct MemberWeights {
  const T *value, *forward;
  T* gradient;
  const std::vector<LayerSettings>* layers;  // which are frozen; null: none
};

template <class T>
class Chunk {
 public:
  // Descriptors of the frames, which must stay.
  void build(const ChunkContext<T>& context, std::vector<const StoredFrame<T>*> frames);
  void run(const MemberWeights<T>& weights, int member, bool withForces, FrameSink& sink);

 private:
  struct GradientRun {  // blocks of the descriptor that the same rows see
    int first, blocks;
    std::vector<RowRange> ranges;
  };
  struct ElementRows {
    int rows = 0;
    std::vector<RowTile> tiles;
    std::vector<GradientRun> gradientRuns;
    Buffer<T> descriptor, gradient;               // x; ∂ε/∂x, then ẋ
    std::vector<Buffer<T>> h, delta, hdot, zbar;  // per hidden layer
    Buffer<T> energy, slope;                      // ε, then a
  };
  struct Place {
    int element, row, tile;
  };

  void buildRows();
  void copyDescriptor(const StoredFrame<T>& frame, int k, const GroupMask& mask, ElementRows& rows,
                      const Place& place) const;
  void findGradientRuns(ElementRows& rows) const;
  void forward(const MemberWeights<T>& weights, ElementRows& rows, int element, bool withGradient);
  void backpropagate(const MemberWeights<T>& weights, ElementRows& rows, int element, bool withForces);
  void takeFrame(int frame, int member, bool withForces, bool withTangent, FrameSink& sink);
  void addWeightGradients(const MemberWeights<T>& weights, ElementRows& rows, int element, bool withForces);
  TrainingProduct<T> product(TrainingEpilogue epilogue, const ElementRows& rows) const;

  const ChunkContext<T>* context_ = nullptr;
  std::vector<const StoredFrame<T>*> frames_;
  std::vector<int> firstCenter_;  // [frames + 1]
  std::vector<Place> place_;      // [centers]
  TileSet tiles_;
  std::vector<ElementRows> elements_;
  std::vector<int> elementOf_;
  std::vector<GroupMask> masks_;
  CenterArraysOf<T> center_;
  Buffer<char> scratch_;
  Buffer<T> forces_, direction_;
  std::vector<double> frameForces_;
};

}  // namespace mlts
