// All triples of a center in one list, whatever pair of elements they belong to: in small molecules a pair has fewer
// than fill a vector. Their factors are computed with triples in lanes, then summed with sections in lanes.
#pragma once

#include "descriptor_forward.hpp"

namespace mlts::MLTS_ISA {

// Triples of one pair of elements, side by side in a tile.
struct PairRun {
  int block;  // of the descriptor, the pair's first
  int begin, end;
};

// Deals out a center's triples, a tile at a time; a pair may end in the next tile.
template <class T>
class CenterTriples {
 public:
  CenterTriples(const Descriptor<T>& d, const std::uint16_t* segment)
      : d_(d), segment_(segment), e_(0), f_(0), cursor_(cursorOf()) {
    skipEmpty();
  }
  bool done() const { return e_ >= d_.elements; }

  // Returns the number of runs, at most one a pair.
  int fill(const NeighbourTerms<T>& neighbours, TripleTile<T>& tile, PairRun* runs) {
    int runCount = 0;
    tile.count = tile.chunks = 0;
    while (!done() && tile.count < tile.capacity) {
      TripleTile<T> rest = tile;
      rest.capacity -= tile.count;
      rest.c += tile.count, rest.w += tile.count, rest.ff += tile.count, rest.chunk += tile.chunks;
      rest.fill(neighbours, cursor_);
      runs[runCount++] = {d_.angularBlock(d_.pair(e_, f_)), tile.count, tile.count + rest.count};
      tile.count += rest.count;
      tile.chunks += rest.chunks;
      skipEmpty();
    }
    return runCount;
  }

 private:
  TripleCursor cursorOf() const {
    return {segment_[2 * e_], segment_[2 * e_ + 1], segment_[2 * f_], segment_[2 * f_ + 1]};
  }
  void skipEmpty() {
    while (cursor_.done()) {
      if (++f_ == d_.elements) f_ = ++e_;
      if (done()) return;
      cursor_ = cursorOf();
    }
  }

  const Descriptor<T>& d_;
  const std::uint16_t* segment_;
  int e_, f_;
  TripleCursor cursor_;
};

// v[i] holds number i of lanes<T> items; out[item·stride + i] gets them, i < 4.
template <class T>
MLTS_INLINE void fourIntoRows(Vec<T>* v, T* out, int stride) {
  using V = Vec<T>;
  if constexpr (lanes<T> == 2) {
    for (int i = 0; i < 4; i += 2) {
      storeu(out + i, V(__builtin_shufflevector(v[i], v[i + 1], 0, 2)));
      storeu(out + stride + i, V(__builtin_shufflevector(v[i], v[i + 1], 1, 3)));
    }
  } else {
    using Quarter = typename VectorType<T, 4>::type;
    const auto put = [&](int item, Quarter q) { __builtin_memcpy(out + item * stride, &q, sizeof q); };
    transposeQuarters(v);
#pragma GCC unroll 4
    for (int e = 0; e < 4; e++) {
      if constexpr (lanes<T> == 4) {
        put(e, v[e]);
      } else {
        put(e, __builtin_shufflevector(v[e], v[e], 0, 1, 2, 3));
        put(4 + e, __builtin_shufflevector(v[e], v[e], 4, 5, 6, 7));
        if constexpr (lanes<T> == 16) {
          put(8 + e, __builtin_shufflevector(v[e], v[e], 8, 9, 10, 11));
          put(12 + e, __builtin_shufflevector(v[e], v[e], 12, 13, 14, 15));
        }
      }
    }
  }
}

// What a sum over triples is made of: rows [triple][section] and [triple][shell]. Σ sections·shellsᵀ.
template <class T>
struct TripleRows {
  const T *sections, *shells;
};

// sums[shell][section] += Σ over the run of all products, W sections in lanes.
template <class T, int W, int products>
MLTS_INLINE void addProducts(const Descriptor<T>& d, const TripleRows<T>* rows, const PairRun& run, T* sums) {
  using Part = typename VectorType<T, W>::type;
  const int stride = d.sectionStride, shellCount = ForwardScratch<T>::paddedShells(d);
  for (int a = 0; a < shellCount; a += 4) {
    for (int z = 0; z < stride; z += W) {
      Part acc[4];
#pragma GCC unroll 4
      for (int s = 0; s < 4; s++) __builtin_memcpy(&acc[s], sums + (a + s) * stride + z, sizeof(Part));
      for (int t = run.begin; t < run.end; t++) {
#pragma GCC unroll 2
        for (int p = 0; p < products; p++) {
          Part x;
          __builtin_memcpy(&x, rows[p].sections + t * stride + z, sizeof x);
          const T* shell = rows[p].shells + t * shellCount + a;
#pragma GCC unroll 4
          for (int s = 0; s < 4; s++) acc[s] += x * shell[s];
        }
      }
#pragma GCC unroll 4
      for (int s = 0; s < 4; s++) __builtin_memcpy(sums + (a + s) * stride + z, &acc[s], sizeof(Part));
    }
  }
}

// Adds a tile's runs to `sums`, which hold those of the pair at `block` so far, and writes each pair that is left.
// Returns the pair that the sums are of afterwards.
template <class T, int products>
int addRuns(const Descriptor<T>& d, const TripleRows<T>* rows, const PairRun* runs, int runCount, int block, T* sums,
            const Row<T>& out) {
  for (const PairRun* run = runs; run < runs + runCount; run++) {
    if (run->block != block) {
      if (block >= 0) storeShells(d, sums, out, block);
      for (std::size_t i = 0; i < ForwardScratch<T>::sumCount(d); i += lanes<T>) store(sums + i, Vec<T>{});
      block = run->block;
    }
    if constexpr (lanes<T> >= 8) {
      if (d.sectionStride % 8 == 0) {
        addProducts<T, 8, products>(d, rows, *run, sums);
        continue;
      }
    }
    addProducts<T, (lanes<T> < 4 ? lanes<T> : 4), products>(d, rows, *run, sums);
  }
  return block;
}

}  // namespace mlts::MLTS_ISA
