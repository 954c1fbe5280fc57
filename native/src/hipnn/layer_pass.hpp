// One interaction block of one member over the rows of one chunk: forward to the features after it, backward to those
// before it and to the pairs.
#pragma once

#include <vector>

#include "packed_block.hpp"
#include "pair_rows.hpp"
#include "windows.hpp"

namespace mlts {

// What the backward pass needs of the forward one: σ(y) of the interaction and of each atom layer, and the derivatives
// of y by its tensor components. Values of row firstRow come first.
template <class T>
struct Saved {
  T* slopes = nullptr;  // [1 + atom layers]
  std::size_t slopeStride = 0;
  T* factors = nullptr;  // [components − 1] of each tile
  int firstRow = 0;
};

template <class T>
struct PassScratch {
  Buffer<T> environment, activations, features, s, ds, pairs, slopes, factors;
  std::vector<std::size_t> offset;  // [rows] in s and ds
  std::vector<TileProduct<T>> products;
  std::size_t bytes() const;
};

template <class T>
class LayerPass {
 public:
  LayerPass(const HipnnModel& model, const Kernels<T>& kernels);

  int width() const { return width_; }
  int components() const { return components_; }
  // elements: that occur in the batch.
  void setElements(const std::vector<char>& present);
  std::size_t environmentBlocks(bool first) const;

  // z: features of all rows (not in the first block). Leaves the new features, tile-major, in scratch.features, and the
  // sensitivities (with their derivatives where wanted) in scratch.
  void forward(const PackedBlock<T>& block, const Sensitivity<T>& f, bool first, const PairRows<T>& rows,
               const RowChunk& chunk, const T* z, const Saved<T>& saved, bool derivatives,
               PassScratch<T>& scratch) const;
  // From the gradient by the new features in scratch.features. Adds to gz (not in the first block) and to the gradient
  // of the pairs. The sensitivities must be in scratch.
  void backward(const PackedBlock<T>& block, const Sensitivity<T>& f, bool first, const PairRows<T>& rows,
                const RowChunk& chunk, const T* z, const Saved<T>& saved, T* gz, T* pairGradient,
                PassScratch<T>& scratch) const;
  void findSensitivities(const Sensitivity<T>& f, const PairRows<T>& rows, const RowChunk& chunk, bool derivatives,
                         PassScratch<T>& scratch) const;
  double flops(bool first) const;  // of the matrix products of a row, forward and backward

 private:
  struct Operands {
    const T* a;
    T* c;
  };
  // operands(tile, component) for components first … end − 1.
  template <class F>
  void multiply(Epilogue epilogue, const RowChunk& chunk, const PairRows<T>& rows, int firstComponent, int endComponent,
                F operands, const std::int16_t* kBlocks, int kCount, const Buffer<T>& weights, std::size_t depth,
                const std::int16_t* groups, int groupCount, const std::int16_t* position,
                PassScratch<T>& scratch) const;
  void atomLayers(const PackedBlock<T>& block, const PairRows<T>& rows, const RowChunk& chunk, const Saved<T>& saved,
                  PassScratch<T>& scratch) const;

  const HipnnModel& model_;
  const Kernels<T>& kernels_;
  const HipnnKernels<T>& hipnn_;
  int width_, blocks_, components_;
  std::vector<std::int16_t> dense_;  // 0, 1, 2 …
  // The elements that occur, and their blocks of the first environment.
  std::vector<int> elements_;
  std::vector<std::int16_t> elementBlocks_, elementPosition_;
};

}  // namespace mlts
