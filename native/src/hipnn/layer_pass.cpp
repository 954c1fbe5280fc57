#include "layer_pass.hpp"

#include <cstring>
#include <numeric>

namespace mlts {

template <class T>
std::size_t PassScratch<T>::bytes() const {
  return environment.bytes() + activations.bytes() + features.bytes() + s.bytes() + ds.bytes() + pairs.bytes() +
         slopes.bytes() + factors.bytes();
}

template <class T>
LayerPass<T>::LayerPass(const HipnnModel& model, const Kernels<T>& kernels)
    : model_(model),
      kernels_(kernels),
      hipnn_(*kernels.hipnn),
      width_((model.features + blockWidth - 1) / blockWidth * blockWidth),
      blocks_(width_ / blockWidth),
      components_(model.order == 0   ? 1
                  : model.order == 1 ? 4
                                     : 9) {
  const int functionBlocks = (model.sensitivities + blockWidth - 1) / blockWidth;
  dense_.resize(
      std::max((1 + model.sensitivities) * blocks_, functionBlocks * static_cast<int>(model.elements.size())));
  std::iota(dense_.begin(), dense_.end(), std::int16_t{0});
}

template <class T>
void LayerPass<T>::setElements(const std::vector<char>& present) {
  const int functionBlocks = (model_.sensitivities + blockWidth - 1) / blockWidth;
  elements_.clear();
  elementBlocks_.clear();
  elementPosition_.assign(present.size() * functionBlocks, -1);
  for (std::size_t e = 0; e < present.size(); e++) {
    if (!present[e]) continue;
    elements_.push_back(static_cast<int>(e));
    for (int b = 0; b < functionBlocks; b++) {
      const auto block = static_cast<std::int16_t>(e * functionBlocks + b);
      elementPosition_[block] = static_cast<std::int16_t>(elementBlocks_.size());
      elementBlocks_.push_back(block);
    }
  }
}

template <class T>
std::size_t LayerPass<T>::environmentBlocks(bool first) const {
  return first ? elementBlocks_.size() : static_cast<std::size_t>(model_.sensitivities) * blocks_;
}

template <class T>
double LayerPass<T>::flops(bool first) const {
  const double f = model_.features;
  const double inputs = first ? static_cast<double>(elements_.size()) : f;
  return 4 * (components_ * model_.sensitivities * inputs * f + (first ? 0 : f * f) + f * f +
              2.0 * static_cast<double>(model_.blocks[0].atomLayers.size()) * f * f);
}

template <class T>
template <class F>
void LayerPass<T>::multiply(Epilogue epilogue, const RowChunk& chunk, const PairRows<T>& rows, int firstComponent,
                            int endComponent, F operands, const std::int16_t* kBlocks, int kCount,
                            const Buffer<T>& weights, std::size_t depth, const std::int16_t* groups, int groupCount,
                            const std::int16_t* position, PassScratch<T>& scratch) const {
  auto& products = scratch.products;
  products.clear();
  for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
    for (int c = firstComponent; c < endComponent; c++) {
      const Operands of = operands(rows.tile(t), c);
      products.push_back({of.a, of.c, rows.tile(t).rows, kBlocks, kCount, position});
    }
  }
  kernels_.network.multiply(epilogue, products.data(), static_cast<int>(products.size()), weights.data(), depth, groups,
                            groupCount, weights.data(), T(1));
}

template <class T>
void LayerPass<T>::findSensitivities(const Sensitivity<T>& f, const PairRows<T>& rows, const RowChunk& chunk,
                                     bool derivatives, PassScratch<T>& scratch) const {
  scratch.offset.resize(chunk.rows);
  std::size_t total = 0;
  for (int r = 0; r < chunk.rows; r++) {
    scratch.offset[r] = total;
    total += hipnn_.sensitivityCount(f, rows.pairs(chunk.firstRow + r));
  }
  T* const s = scratch.s.reserve(total);
  T* const ds = derivatives ? scratch.ds.reserve(total) : nullptr;
  for (int r = 0; r < chunk.rows; r++)
    hipnn_.sensitivities(f, rows.pairs(chunk.firstRow + r), s + scratch.offset[r],
                         ds ? ds + scratch.offset[r] : nullptr);
  scratch.pairs.reserve(
      hipnn_.scratchCount(rows.mostPairs(), model_.sensitivities, static_cast<int>(model_.elements.size())));
}

template <class T>
void LayerPass<T>::forward(const PackedBlock<T>& block, const Sensitivity<T>& f, bool first, const PairRows<T>& rows,
                           const RowChunk& chunk, const T* z, const Saved<T>& saved, bool derivatives,
                           PassScratch<T>& scratch) const {
  findSensitivities(f, rows, chunk, derivatives, scratch);
  const std::size_t environments = environmentBlocks(first), self = first ? 0 : blocks_;
  const std::size_t perRow = (self + components_ * environments) * blockWidth;
  T* const environment = scratch.environment.reserve(perRow * chunk.rows);
  T* const activations = scratch.activations.reserve(static_cast<std::size_t>(components_) * width_ * chunk.rows);
  T* const features = scratch.features.reserve(static_cast<std::size_t>(width_) * chunk.rows);
  if (!first) std::memset(environment, 0, perRow * chunk.rows * sizeof(T));

  for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
    const RowTile& tile = rows.tile(t);
    const std::size_t before = tile.firstRow - chunk.firstRow, tileWidth = tile.rows * blockWidth;
    T* const e = environment + before * perRow;
    T* const y = activations + before * components_ * width_;
    T* const out = features + before * width_;
    for (int r = 0; r < tile.rows; r++) {
      const int row = tile.firstRow + r;
      const TileRow<T> at{e + self * tileWidth + r * blockWidth, environments * tileWidth, tile.rows};
      const T* s = scratch.s.data() + scratch.offset[before + r];
      if (first) {
        hipnn_.environmentFirst(f, rows.pairs(row), components_, s, elements_.data(),
                                static_cast<int>(elements_.size()), at, scratch.pairs.data());
        const std::size_t element = rows.element(row);
        hipnn_.fillRow(y, blocks_, tile.rows, r, block.selfOfElement.data() + element * width_);
        hipnn_.fillRow(out, blocks_, tile.rows, r, block.adjustOfElement.data() + element * width_);
      } else {
        hipnn_.environment(f, rows.pairs(row), components_, s, z, width_, at, scratch.pairs.data());
      }
    }
    if (first) continue;
    hipnn_.loadTile(e, blocks_, tile.rows, z + static_cast<std::size_t>(tile.firstRow) * width_, false);
    hipnn_.fill(y, blocks_, tile.rows, block.interaction.bias.data(), false);
    hipnn_.loadTile(out, blocks_, tile.rows, z + static_cast<std::size_t>(tile.firstRow) * width_, false);
    hipnn_.fill(out, blocks_, tile.rows, block.residual.bias.data(), true);
  }

  const std::size_t depth = (block.selfBlocks + block.environmentBlocks) * static_cast<std::size_t>(blockWidth);
  const auto operands = [&](const RowTile& tile, int c) {
    const std::size_t before = tile.firstRow - chunk.firstRow, tileWidth = tile.rows * blockWidth;
    const std::size_t skip = c == 0 ? 0 : self + c * environments;
    return Operands{environment + before * perRow + skip * tileWidth,
                    activations + (before * components_ + static_cast<std::size_t>(c) * tile.rows) * width_};
  };
  const std::int16_t* kBlocks = first ? elementBlocks_.data() : dense_.data();
  multiply(Epilogue::add, chunk, rows, 0, 1, operands, kBlocks, static_cast<int>(self + environments),
           block.interaction.forward, depth, dense_.data(), blocks_, nullptr, scratch);
  if (components_ > 1)
    multiply(Epilogue::plain, chunk, rows, 1, components_, operands, kBlocks + self, static_cast<int>(environments),
             block.interaction.forward, depth, dense_.data(), blocks_, nullptr, scratch);

  for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
    const RowTile& tile = rows.tile(t);
    const std::size_t offset = static_cast<std::size_t>(tile.firstRow - saved.firstRow) * width_;
    T* const y = activations + (tile.firstRow - chunk.firstRow) * static_cast<std::size_t>(components_) * width_;
    if (components_ > 1)
      hipnn_.norms(y, components_, blocks_, tile.rows, block.vectorScales.data(), block.quadraticScales.data(),
                   T(model_.cusp), saved.factors + offset * (components_ - 1));
    hipnn_.softplus(y, saved.slopes + offset, static_cast<std::size_t>(tile.rows) * width_);
  }
  atomLayers(block, rows, chunk, saved, scratch);
}

// The residual of the interaction, whose softplus is in activations, then the atom layers.
template <class T>
void LayerPass<T>::atomLayers(const PackedBlock<T>& block, const PairRows<T>& rows, const RowChunk& chunk,
                              const Saved<T>& saved, PassScratch<T>& scratch) const {
  T *const activations = scratch.activations.data(), *const features = scratch.features.data();
  const auto hidden = [&](const RowTile& tile) {
    return activations + (tile.firstRow - chunk.firstRow) * static_cast<std::size_t>(components_) * width_;
  };
  const auto feature = [&](const RowTile& tile) {
    return features + (tile.firstRow - chunk.firstRow) * static_cast<std::size_t>(width_);
  };
  const auto out = [&](const RowTile& tile, int) { return Operands{hidden(tile), feature(tile)}; };
  const auto in = [&](const RowTile& tile, int) { return Operands{feature(tile), hidden(tile)}; };
  const auto product = [&](auto operands, const Buffer<T>& weights) {
    multiply(Epilogue::add, chunk, rows, 0, 1, operands, dense_.data(), blocks_, weights, width_, dense_.data(),
             blocks_, nullptr, scratch);
  };
  product(out, block.residual.forward);
  std::size_t layer = 1;
  for (const auto& atom : block.atomLayers) {
    for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++)
      hipnn_.fill(hidden(rows.tile(t)), blocks_, rows.tile(t).rows, atom.base.bias.data(), false);
    product(in, atom.base.forward);
    for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
      const RowTile& tile = rows.tile(t);
      hipnn_.softplus(
          hidden(tile),
          saved.slopes + layer * saved.slopeStride + static_cast<std::size_t>(tile.firstRow - saved.firstRow) * width_,
          static_cast<std::size_t>(tile.rows) * width_);
      hipnn_.fill(feature(tile), blocks_, tile.rows, atom.residual.bias.data(), true);
    }
    product(out, atom.residual.forward);
    layer++;
  }
}

template <class T>
void LayerPass<T>::backward(const PackedBlock<T>& block, const Sensitivity<T>& f, bool first, const PairRows<T>& rows,
                            const RowChunk& chunk, const T* z, const Saved<T>& saved, T* gz, T* pairGradient,
                            PassScratch<T>& scratch) const {
  const std::size_t environments = environmentBlocks(first), self = first ? 0 : blocks_;
  const std::size_t perRow = (self + components_ * environments) * blockWidth;
  T* const environment = scratch.environment.reserve(perRow * chunk.rows);
  T* const activations = scratch.activations.reserve(static_cast<std::size_t>(components_) * width_ * chunk.rows);
  T* const features = scratch.features.data();
  const auto hidden = [&](const RowTile& tile) {
    return activations + (tile.firstRow - chunk.firstRow) * static_cast<std::size_t>(components_) * width_;
  };
  const auto feature = [&](const RowTile& tile) {
    return features + (tile.firstRow - chunk.firstRow) * static_cast<std::size_t>(width_);
  };
  const auto in = [&](const RowTile& tile, int) { return Operands{feature(tile), hidden(tile)}; };
  const auto out = [&](const RowTile& tile, int) { return Operands{hidden(tile), feature(tile)}; };
  // ∂E/∂y of a layer whose residual has these weights, into `hidden`.
  const auto throughResidual = [&](const PackedLinear<T>& residual, std::size_t layer) {
    multiply(Epilogue::plain, chunk, rows, 0, 1, in, dense_.data(), blocks_, residual.backward, width_, dense_.data(),
             blocks_, nullptr, scratch);
    for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
      const RowTile& tile = rows.tile(t);
      hipnn_.multiplyInPlace(
          hidden(tile),
          saved.slopes + layer * saved.slopeStride + static_cast<std::size_t>(tile.firstRow - saved.firstRow) * width_,
          static_cast<std::size_t>(tile.rows) * width_);
    }
  };
  for (std::size_t layer = block.atomLayers.size(); layer > 0; layer--) {
    const auto& atom = block.atomLayers[layer - 1];
    throughResidual(atom.residual, layer);
    multiply(Epilogue::add, chunk, rows, 0, 1, out, dense_.data(), blocks_, atom.base.backward, width_, dense_.data(),
             blocks_, nullptr, scratch);
  }
  throughResidual(block.residual, 0);
  for (int t = chunk.firstTile; components_ > 1 && t < chunk.firstTile + chunk.tiles; t++) {
    const RowTile& tile = rows.tile(t);
    const std::size_t size = static_cast<std::size_t>(tile.rows) * width_;
    const T* factors =
        saved.factors + static_cast<std::size_t>(tile.firstRow - saved.firstRow) * width_ * (components_ - 1);
    for (int c = 1; c < components_; c++) {
      T* const y = hidden(tile) + c * size;
      std::memcpy(y, hidden(tile), size * sizeof(T));
      hipnn_.multiplyInPlace(y, factors + (c - 1) * size, size);
    }
  }

  // Gradient by the environments, and for component 0 by the features themselves.
  const auto operands = [&](const RowTile& tile, int c) {
    const std::size_t before = tile.firstRow - chunk.firstRow, tileWidth = tile.rows * blockWidth;
    return Operands{activations + (before * components_ + static_cast<std::size_t>(c) * tile.rows) * width_,
                    environment + before * perRow + c * environments * tileWidth};
  };
  const std::int16_t* groups = first ? elementBlocks_.data() : dense_.data();
  const std::int16_t* position = first ? elementPosition_.data() : nullptr;
  multiply(Epilogue::plain, chunk, rows, 0, 1, operands, dense_.data(), blocks_, block.interaction.backward, width_,
           groups, static_cast<int>(self + environments), position, scratch);
  if (components_ > 1)
    multiply(Epilogue::plain, chunk, rows, 1, components_, operands, dense_.data(), blocks_, block.interaction.backward,
             width_, groups + self, static_cast<int>(environments), position, scratch);

  const std::size_t gradients = components_ == 1 ? 1 : 3;
  for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
    const RowTile& tile = rows.tile(t);
    const std::size_t before = tile.firstRow - chunk.firstRow, tileWidth = tile.rows * blockWidth;
    T* const e = environment + before * perRow;
    if (!first) {
      T* const to = gz + static_cast<std::size_t>(tile.firstRow) * width_;
      hipnn_.addTileToRows(e, blocks_, tile.rows, to);
      hipnn_.addTileToRows(feature(tile), blocks_, tile.rows, to);
    }
    for (int r = 0; r < tile.rows; r++) {
      const int row = tile.firstRow + r;
      const TileRow<T> at{e + self * tileWidth + r * blockWidth, environments * tileWidth, tile.rows};
      const T *s = scratch.s.data() + scratch.offset[before + r], *ds = scratch.ds.data() + scratch.offset[before + r];
      T* const to = pairGradient + gradients * rows.slot(row);
      if (first) {
        hipnn_.gradientFirst(f, rows.pairs(row), components_, s, ds, elements_.data(),
                             static_cast<int>(elements_.size()), at, to, scratch.pairs.data());
      } else {
        hipnn_.gradient(f, rows.pairs(row), components_, s, ds, z, width_, at, gz, to, scratch.pairs.data());
      }
    }
  }
}

template struct PassScratch<float>;
template struct PassScratch<double>;
template class LayerPass<float>;
template class LayerPass<double>;

}  // namespace mlts
