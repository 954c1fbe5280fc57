#include "chunk.hpp"

#include <algorithm>
#include <cstring>

#include "../neighbours/center_block.hpp"

namespace mlts {

template <class T>
void Chunk<T>::build(const ChunkContext<T>& context, std::vector<const StoredFrame<T>*> frames) {
  context_ = &context;
  frames_ = std::move(frames);
  buildRows();
  const Descriptor<T>& d = *context.descriptor;
  int mostNeighbours = 0;
  for (const auto* frame : frames_) mostNeighbours = std::max(mostNeighbours, frame->mostNeighbours);
  scratch_.reserve(
      std::max({context.kernels->descriptor.scratchBytes(d, mostNeighbours, 1),
                context.training->forwardBytes(d, mostNeighbours), context.training->tangentBytes(d, mostNeighbours)}));
  for (std::size_t f = 0; f < frames_.size(); f++) {
    const StoredFrame<T>& frame = *frames_[f];
    for (int k = 0; k < frame.centers(); k++) {
      const Place& place = place_[firstCenter_[f] + k];
      ElementRows& rows = elements_[place.element];
      const RowTile& tile = rows.tiles[place.tile];
      if (!frame.seen.empty()) {
        copyDescriptor(frame, k, masks_[firstCenter_[f] + k], rows, place);
        continue;
      }
      context.training->forward(d, center_.unpack(frame, k, d, *context.training), context.dense.data(), tile.blocks,
                                tile.blockCount, rows.descriptor.data(), rows.rows, place.row, scratch_.data());
    }
  }
}

// The row as `forward` would write it: blocks that its tile sees and it does not are 0.
template <class T>
void Chunk<T>::copyDescriptor(const StoredFrame<T>& frame, int k, const GroupMask& mask, ElementRows& rows,
                              const Place& place) const {
  const RowTile& tile = rows.tiles[place.tile];
  const T* from = frame.descriptor.data() + frame.seen[k];
  const int radial = context_->descriptor->elements * context_->descriptor->radialBlocks;
  for (int i = 0; i < tile.blockCount; i++) {
    const int block = tile.blocks[i];
    const int group = block < radial
                          ? block / context_->descriptor->radialBlocks
                          : context_->descriptor->elements + (block - radial) / context_->descriptor->angularBlocks;
    T* const to = rows.descriptor.data() + (static_cast<std::size_t>(block) * rows.rows + place.row) * blockWidth;
    if (mask.test(group)) {
      std::memcpy(to, from, blockWidth * sizeof(T));
      from += blockWidth;
    } else {
      std::fill_n(to, blockWidth, T(0));
    }
  }
}

// Rows of each element sorted by the blocks that they see.
template <class T>
void Chunk<T>::buildRows() {
  const Descriptor<T>& d = *context_->descriptor;
  const std::size_t segments = 2 * static_cast<std::size_t>(d.elements) + 1;
  firstCenter_.assign(1, 0);
  elementOf_.clear();
  masks_.clear();
  for (const auto* frame : frames_) {
    for (int k = 0; k < frame->centers(); k++) {
      const std::uint16_t* segment = frame->segment.data() + k * segments;
      elementOf_.push_back(frame->element[k]);
      masks_.push_back(groupsSeen(segment, d));
    }
    firstCenter_.push_back(static_cast<int>(elementOf_.size()));
  }
  const int count = static_cast<int>(elementOf_.size());
  tiles_.build(count, elementOf_.data(), masks_.data(), d.elements, *context_->map,
               context_->kernels->network.tileRows);
  elements_.resize(d.elements);
  for (ElementRows& rows : elements_) {
    rows.rows = 0;
    rows.tiles.clear();
  }
  place_.resize(count);
  for (const Tile& tile : tiles_.tiles) {
    ElementRows& rows = elements_[tile.element];
    for (int r = 0; r < tile.rows; r++)
      place_[tiles_.rowCenter[tile.firstRow + r]] = {tile.element, rows.rows + r, static_cast<int>(rows.tiles.size())};
    const auto& blocks = tiles_.activeSets[tile.active].blocks;
    rows.tiles.push_back({rows.rows, tile.rows, blocks.data(), static_cast<int>(blocks.size())});
    rows.rows += tile.rows;
  }
  for (std::size_t e = 0; e < elements_.size(); e++) {
    ElementRows& rows = elements_[e];
    if (rows.rows == 0) continue;
    findGradientRuns(rows);
    const std::size_t n = rows.rows, x = n * d.blocks * blockWidth;
    const auto& layers = context_->layout->elements[e];
    const std::size_t hidden = layers.size() - 1;
    rows.descriptor.reserve(x);
    rows.gradient.reserve(x);
    rows.energy.reserve(n);
    rows.slope.reserve(n);
    for (auto* buffers : {&rows.h, &rows.delta, &rows.hdot, &rows.zbar}) {
      buffers->resize(hidden);
      for (std::size_t l = 0; l < hidden; l++) (*buffers)[l].reserve(n * layers[l].outputs);
    }
  }
}

template <class T>
void Chunk<T>::findGradientRuns(ElementRows& rows) const {
  rows.gradientRuns.clear();
  std::vector<std::vector<RowRange>> seen(context_->descriptor->blocks);
  for (const RowTile& tile : rows.tiles) {
    for (int i = 0; i < tile.blockCount; i++) {
      auto& ranges = seen[tile.blocks[i]];
      if (!ranges.empty() && ranges.back().first + ranges.back().count == tile.first) {
        ranges.back().count += tile.rows;
      } else {
        ranges.push_back({tile.first, tile.rows});
      }
    }
  }
  const auto same = [](const std::vector<RowRange>& a, const std::vector<RowRange>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const RowRange& x, const RowRange& y) { return x.first == y.first && x.count == y.count; });
  };
  for (int b = 0; b < static_cast<int>(seen.size()); b++) {
    if (seen[b].empty()) continue;
    int end = b + 1;
    while (end < static_cast<int>(seen.size()) && same(seen[b], seen[end])) end++;
    rows.gradientRuns.push_back({b, end - b, std::move(seen[b])});
    b = end - 1;
  }
}

template <class T>
TrainingProduct<T> Chunk<T>::product(TrainingEpilogue epilogue, const ElementRows& rows) const {
  TrainingProduct<T> p{};
  p.epilogue = epilogue;
  p.rows = rows.rows;
  p.dense = context_->dense.data();
  p.celuAlpha = context_->celuAlpha;
  return p;
}

template <class T>
void Chunk<T>::forward(const MemberWeights<T>& weights, ElementRows& rows, int element, bool withGradient) {
  const TrainingKernels<T>& kernels = *context_->training;
  const auto& layers = context_->layout->elements[element];
  const int hidden = static_cast<int>(layers.size()) - 1, tileCount = static_cast<int>(rows.tiles.size());
  for (int l = 0; l < hidden; l++) {
    TrainingProduct<T> p = product(TrainingEpilogue::celu, rows);
    p.a = l == 0 ? rows.descriptor.data() : rows.h[l - 1].data();
    p.sparseA = l == 0;
    p.c = rows.h[l].data();
    p.b = weights.forward + layers[l].weights;
    p.depth = layers[l].inputs;
    p.groups = layers[l].outputs / blockWidth;
    p.bias = weights.value + layers[l].biases;
    kernels.multiply(p, rows.tiles.data(), tileCount);
  }
  const LayerShape& last = layers[hidden];
  kernels.output(rows.h[hidden - 1].data(), rows.rows, last.inputs / blockWidth, weights.value + last.weights,
                 weights.value[last.biases], context_->celuAlpha, rows.energy.data(), rows.delta[hidden - 1].data());
  if (!withGradient) return;
  for (int l = hidden - 1; l >= 0; l--) {
    TrainingProduct<T> p = product(l > 0 ? TrainingEpilogue::reverse : TrainingEpilogue::plain, rows);
    p.a = rows.delta[l].data();
    p.c = l > 0 ? rows.delta[l - 1].data() : rows.gradient.data();
    p.y = l > 0 ? rows.h[l - 1].data() : nullptr;
    p.sparseC = l == 0;
    p.b = weights.value + layers[l].weights;
    p.depth = layers[l].outputs;
    p.groups = layers[l].inputs / blockWidth;
    kernels.multiply(p, rows.tiles.data(), tileCount);
  }
}

// From a and ẋ to z̄ of every layer and the output layer's gradient.
template <class T>
void Chunk<T>::backpropagate(const MemberWeights<T>& weights, ElementRows& rows, int element, bool withForces) {
  const TrainingKernels<T>& kernels = *context_->training;
  const auto& layers = context_->layout->elements[element];
  const int hidden = static_cast<int>(layers.size()) - 1, tileCount = static_cast<int>(rows.tiles.size());
  for (int l = 0; withForces && l < hidden; l++) {
    TrainingProduct<T> p = product(TrainingEpilogue::tangent, rows);
    p.a = l == 0 ? rows.gradient.data() : rows.hdot[l - 1].data();
    p.sparseA = l == 0;
    p.c = rows.hdot[l].data();
    p.y = rows.h[l].data();
    p.delta = rows.delta[l].data();
    p.extra = rows.zbar[l].data();
    p.b = weights.forward + layers[l].weights;
    p.depth = layers[l].inputs;
    p.groups = layers[l].outputs / blockWidth;
    kernels.multiply(p, rows.tiles.data(), tileCount);
  }
  const LayerShape& last = layers[hidden];
  kernels.outputAdjoint(rows.h[hidden - 1].data(), withForces ? rows.hdot[hidden - 1].data() : nullptr,
                        rows.delta[hidden - 1].data(), rows.slope.data(), rows.rows, last.inputs / blockWidth,
                        rows.zbar[hidden - 1].data(), weights.gradient + last.weights);
  T slopes = 0;
  for (int r = 0; r < rows.rows; r++) slopes += rows.slope[r];
  weights.gradient[last.biases] += slopes;
  for (int l = hidden - 1; l > 0; l--) {
    TrainingProduct<T> p = product(withForces ? TrainingEpilogue::adjoint : TrainingEpilogue::reverse, rows);
    p.a = rows.zbar[l].data();
    p.c = rows.zbar[l - 1].data();
    p.y = rows.h[l - 1].data();
    p.b = weights.value + layers[l].weights;
    p.depth = layers[l].outputs;
    p.groups = layers[l].inputs / blockWidth;
    kernels.multiply(p, rows.tiles.data(), tileCount);
  }
}

template <class T>
void Chunk<T>::addWeightGradients(const MemberWeights<T>& weights, ElementRows& rows, int element, bool withForces) {
  const TrainingKernels<T>& kernels = *context_->training;
  const auto& layers = context_->layout->elements[element];
  const int hidden = static_cast<int>(layers.size()) - 1;
  for (int l = 0; l < hidden; l++) {
    if (weights.layers && l < static_cast<int>(weights.layers->size()) && (*weights.layers)[l].frozen) continue;
    const LayerShape& shape = layers[l];
    const OuterProduct<T> products[2] = {
        {rows.zbar[l].data(), l == 0 ? rows.descriptor.data() : rows.h[l - 1].data()},
        {rows.delta[l].data(), l == 0 ? rows.gradient.data() : rows.hdot[l - 1].data()}};
    const int count = withForces ? 2 : 1;
    if (l == 0) {
      for (const GradientRun& run : rows.gradientRuns)
        kernels.weightGradient(products, count, rows.rows, run.ranges.data(), static_cast<int>(run.ranges.size()),
                               run.first, run.blocks, shape.outputs, weights.gradient + shape.weights);
    } else {
      const RowRange all{0, rows.rows};
      kernels.weightGradient(products, count, rows.rows, &all, 1, 0, shape.inputs / blockWidth, shape.outputs,
                             weights.gradient + shape.weights);
    }
    kernels.columnSums(rows.zbar[l].data(), rows.rows, shape.outputs / blockWidth, weights.gradient + shape.biases);
  }
}

// Energy, and forces from the gradients; what the loss makes of them becomes a and, along ∂L/∂F and ∂L/∂W, ẋ.
template <class T>
void Chunk<T>::takeFrame(int f, int member, bool withForces, bool withTangent, FrameSink& sink) {
  const Descriptor<T>& d = *context_->descriptor;
  const StoredFrame<T>& frame = *frames_[f];
  const int atoms = frame.facts.atoms;
  const Place* const places = place_.data() + firstCenter_[f];
  double energy = 0;
  for (int k = 0; k < frame.centers(); k++) energy += elements_[places[k].element].energy[places[k].row];
  energy *= context_->energyScale;

  double virial[9] = {};
  if (withForces) {
    T* const sums = forces_.reserve(4 * static_cast<std::size_t>(atoms));
    std::fill_n(sums, 4 * static_cast<std::size_t>(atoms), T(0));
    for (int k = 0; k < frame.centers(); k++) {
      ElementRows& rows = elements_[places[k].element];
      const T* const gradient = rows.gradient.data();
      context_->kernels->descriptor.backward(d, center_.unpack(frame, k, d, *context_->training),
                                             context_->dense.data(), &gradient, 1, rows.rows, places[k].row,
                                             {sums, virial, nullptr}, scratch_.data());
    }
    frameForces_.resize(3 * static_cast<std::size_t>(atoms));
    for (int i = 0; i < atoms; i++)
      for (int c = 0; c < 3; c++) frameForces_[3 * i + c] = context_->energyScale * sums[4 * i + c];
    for (double& w : virial) w *= context_->energyScale;
  }
  double hierarchicality = 0;
  const bool moved = sink.take(f, member, energy, hierarchicality, withForces ? frameForces_.data() : nullptr,
                               withForces ? virial : nullptr);
  if (!withTangent) return;

  const T slope = static_cast<T>(energy * context_->energyScale);
  for (int k = 0; k < frame.centers(); k++) elements_[places[k].element].slope[places[k].row] = slope;
  if (!withForces) return;
  T* const direction = direction_.reserve(4 * static_cast<std::size_t>(atoms));
  T strain[9];
  bool strained = false;
  for (int i = 0; i < atoms; i++) {
    for (int c = 0; c < 3; c++)
      direction[4 * i + c] = moved ? static_cast<T>(-context_->energyScale * frameForces_[3 * i + c]) : T(0);
    direction[4 * i + 3] = 0;
  }
  for (int i = 0; i < 9; i++) {
    strain[i] = moved ? static_cast<T>(-context_->energyScale * virial[i]) : T(0);
    strained |= strain[i] != 0;
  }
  for (int k = 0; k < frame.centers(); k++) {
    ElementRows& rows = elements_[places[k].element];
    const RowTile& tile = rows.tiles[places[k].tile];
    context_->training->tangent(d, center_.unpack(frame, k, d, *context_->training), context_->dense.data(),
                                tile.blocks, tile.blockCount, direction, strained ? strain : nullptr,
                                rows.gradient.data(), rows.rows, places[k].row, scratch_.data());
  }
}

template <class T>
void Chunk<T>::run(const MemberWeights<T>& weights, int member, bool withForces, FrameSink& sink) {
  const int count = static_cast<int>(elements_.size());
  for (int e = 0; e < count; e++)
    if (elements_[e].rows > 0) forward(weights, elements_[e], e, withForces);
  for (int f = 0; f < static_cast<int>(frames_.size()); f++)
    takeFrame(f, member, withForces, weights.gradient != nullptr, sink);
  if (!weights.gradient) return;
  for (int e = 0; e < count; e++) {
    if (elements_[e].rows == 0) continue;
    backpropagate(weights, elements_[e], e, withForces);
    addWeightGradients(weights, elements_[e], e, withForces);
  }
}

template class Chunk<float>;
template class Chunk<double>;

}  // namespace mlts
