// The atoms of a batch as rows of the feature matrices, and the pairs of each.
//
// Rows of owned atoms come first, then the ghosts whose features they need through one layer, and so on; last those
// ghosts of which only the element counts. Neighbours in space are near in memory.
#pragma once

#include <vector>

#include "../engine/batch.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/pool.hpp"
#include "kernels.hpp"

namespace mlts {

struct RowTile {
  int firstRow, rows;
};

// Tiles that one task works on.
struct RowChunk {
  int firstTile, tiles, firstRow, rows;
};

template <class T>
class PairRows {
 public:
  // Rows, tiles and chunks. shells: interaction layers.
  void arrange(const Batch& batch, const std::vector<System>& systems, int shells, int tileRows, int tilesPerChunk);
  // Finds the pairs of every row of a chunk. Throws E_LIMIT.
  void findPairs(const PairBins<T>& bins, int elements, const HipnnKernels<T>& kernels, ThreadPool& pool,
                 const std::int32_t* cancelled);

  int rows() const { return static_cast<int>(atom_.size()); }
  int owned() const { return rowsUpTo_.front(); }
  // Rows, and chunks, of shells 0 … shell; shell = shells: all rows.
  int rowsUpTo(int shell) const { return rowsUpTo_[shell]; }
  int chunksUpTo(int shell) const { return chunksUpTo_[shell]; }
  int chunks() const { return static_cast<int>(chunks_.size()); }
  const RowChunk& chunk(int c) const { return chunks_[c]; }
  int shellOf(int chunk) const { return shell_[chunk]; }
  const RowTile& tile(int t) const { return tiles_[t]; }

  int element(int row) const { return element_[row]; }
  int atom(int row) const { return atom_[row]; }      // over all systems
  int system(int row) const { return system_[row]; }  // place in the batch
  const Pairs<T>& pairs(int row) const { return pairs_[row]; }
  T nearest(int row) const { return nearest_[row]; }
  // Where the row's pairs are in an array over all pairs of the batch, with padding; `pairSlots` in all.
  std::size_t slot(int row) const { return slot_[row]; }
  std::size_t pairSlots() const { return slot_.back(); }
  std::size_t pairCount(const RowChunk& chunk) const;
  int mostPairs() const { return mostPairs_; }
  std::size_t bytes() const;

 private:
  struct Storage {  // of one chunk
    Buffer<T> values;
    Buffer<std::int32_t> row;
    Buffer<std::uint16_t> end;
  };
  void findPairs(const RowChunk& chunk, Storage& storage, const PairBins<T>& bins, int elements,
                 const HipnnKernels<T>& kernels, Buffer<double>& spare);

  std::vector<CenterRef> refs_;  // [rows with pairs]
  std::vector<int> element_, atom_, system_;
  std::vector<std::int32_t> rowOf_;  // [atoms]
  std::vector<int> rowsUpTo_, chunksUpTo_, shell_;
  std::vector<RowTile> tiles_;
  std::vector<RowChunk> chunks_;
  std::vector<Pairs<T>> pairs_;
  std::vector<T> nearest_;
  std::vector<std::size_t> slot_;
  std::vector<Storage> storage_;
  std::vector<Buffer<double>> spare_;  // [threads]
  int mostPairs_ = 0;
};

}  // namespace mlts
