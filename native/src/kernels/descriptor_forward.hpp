// Atomic environment vectors: eq. 2 and 5 of docs/maths.md for one center.
#pragma once

#include "angular.hpp"
#include "transpose.hpp"

namespace mlts::MLTS_ISA {

constexpr int forwardTriples = 256;  // what one pass keeps of F1 and F2 stays in the first-level cache

// One row of a tile-major matrix whose blocks of columns lie at position[block].
template <class T>
struct Row {
  T* x;
  const std::int16_t* position;
  int rows, row;
  MLTS_INLINE T* block(int b) const { return x + (static_cast<std::size_t>(position[b]) * rows + row) * blockWidth; }
};

template <class T>
struct ForwardScratch {
  NeighbourTerms<T> neighbours;
  TripleTile<T> tile;
  T *f1, *f2;  // [vector][section], [vector][shell] of the tile
  ShellRange* range;
  T* sums;  // [shell][section]

  static constexpr int vectors = forwardTriples / lanes<T>;
  static int paddedShells(const Descriptor<T>& d) { return (d.angularShifts + 3) / 4 * 4; }
  static std::size_t sumCount(const Descriptor<T>& d) {
    return static_cast<std::size_t>(paddedShells(d)) * d.sectionStride + blockWidth;
  }
  static std::size_t bytes(const Descriptor<T>& d, int neighbours) {
    return NeighbourTerms<T>::bytes(neighbours) + TripleTile<T>::bytes(forwardTriples) +
           Workspace::bytes<T>(static_cast<std::size_t>(forwardTriples) * d.sectionStride) +
           Workspace::bytes<T>(static_cast<std::size_t>(forwardTriples) * paddedShells(d)) +
           Workspace::bytes<ShellRange>(vectors) + Workspace::bytes<T>(sumCount(d));
  }
  ForwardScratch(const Descriptor<T>& d, Workspace workspace, int neighbourCount)
      : neighbours(workspace, neighbourCount),
        tile(workspace, forwardTriples),
        f1(workspace.take<T>(static_cast<std::size_t>(forwardTriples) * d.sectionStride)),
        f2(workspace.take<T>(static_cast<std::size_t>(forwardTriples) * paddedShells(d))),
        range(workspace.take<ShellRange>(vectors)),
        sums(workspace.take<T>(sumCount(d))) {}
};

// Shifts in lanes. A block none of whose shifts reaches r is left out.
template <class T>
void radialForward(const Descriptor<T>& d, const NeighbourTerms<T>& n, int begin, int end, int block, T* out) {
  constexpr int perBlock = blockWidth / lanes<T>;
  const T* shifts = d.shiftsR + block * blockWidth;
  const int last = d.radialShifts - block * blockWidth < blockWidth ? d.radialShifts - block * blockWidth : blockWidth;
  const T nearest = shifts[0] - d.radialReach, farthest = shifts[last - 1] + d.radialReach;
  Vec<T> shift[perBlock], acc[perBlock];
#pragma GCC unroll 8
  for (int i = 0; i < perBlock; i++) {
    shift[i] = loadu(shifts + i * lanes<T>);
    acc[i] = Vec<T>{};
  }
  for (int j = begin; j < end; j++) {
    const T r = n.r[j];
    if (r < nearest || r > farthest) continue;
#pragma GCC unroll 8
    for (int i = 0; i < perBlock; i++) {
      const Vec<T> distance = r - shift[i];
      acc[i] += exp2(distance * distance * d.radialExponent) * n.fr[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < perBlock; i++) store(out + i * lanes<T>, acc[i]);
}

// sums += F2·F1ᵀ over the triples of the tile, a register tile of S shells × Z sections at a time.
template <class T, int S, int Z>
void accumulateShells(const Descriptor<T>& d, ForwardScratch<T>& scratch) {
  constexpr int L = lanes<T>;
  const int stride = d.sectionStride, shellCount = ForwardScratch<T>::paddedShells(d), vectors = scratch.tile.vectors();
  for (int a = 0; a < d.angularShifts; a += S) {
    for (int z = 0; z < stride; z += Z) {
      Vec<T> acc[S * Z];
#pragma GCC unroll 16
      for (int i = 0; i < S * Z; i++) acc[i] = Vec<T>{};
      for (int v = 0; v < vectors; v++) {
        if (scratch.range[v].begin >= a + S || scratch.range[v].end <= a) continue;
        const T* f1 = scratch.f1 + (v * stride + z) * L;
        const T* f2 = scratch.f2 + (v * shellCount + a) * L;
#pragma GCC unroll 4
        for (int s = 0; s < S; s++) {
          const Vec<T> shell = load(f2 + s * L);
#pragma GCC unroll 8
          for (int k = 0; k < Z; k++) acc[s * Z + k] += shell * load(f1 + k * L);
        }
      }
      alignas(64) T out[S * Z];
#pragma GCC unroll 8
      for (int i = 0; i < S * Z; i += L) store(out + i, sumEach<T>(acc + i));
      for (int s = 0; s < S; s++)
        for (int k = 0; k < Z; k++) scratch.sums[(a + s) * stride + z + k] += out[s * Z + k];
    }
  }
}

// Writes [shell][section] sums to one pair's blocks, padding as 0.
template <class T>
void storeShells(const Descriptor<T>& d, T* sums, const Row<T>& row, int block) {
  const int stride = d.sectionStride, columns = d.angularBlocks * blockWidth;
  if (stride != d.sections)
    for (int a = 0; a < d.angularShifts; a++)
      for (int z = d.sections; z < stride; z++) sums[a * stride + z] = 0;
  for (int a = d.angularShifts * stride; a < columns; a++) sums[a] = 0;
  for (int b = 0; b < d.angularBlocks; b++) {
    T* out = row.block(block + b);
    for (int i = 0; i < blockWidth; i += lanes<T>) store(out + i, load(sums + b * blockWidth + i));
  }
}

template <class T>
void angularForward(const Descriptor<T>& d, ForwardScratch<T>& scratch, TripleCursor cursor, const Row<T>& row,
                    int block) {
  constexpr int L = lanes<T>;
  constexpr int shellsTogether = registers == 32 ? 4 : 2;
  TripleTile<T>& tile = scratch.tile;
  const int stride = d.sectionStride, shellCount = ForwardScratch<T>::paddedShells(d);
  for (std::size_t i = 0; i < ForwardScratch<T>::sumCount(d); i += L) store(scratch.sums + i, Vec<T>{});
  while (!cursor.done()) {
    tile.fill(scratch.neighbours, cursor);
    for (int v = 0; v < tile.vectors(); v++) {
      const PreciseAngle<T> angle(load(tile.c + v * L));
      const Vec<T> ff = load(tile.ff + v * L);
      const auto storeSections = [&](auto n, int z) {
        constexpr int count = decltype(n)::value;
        Vec<T> f1[count];
        sections<T, count>(d, angle, z, f1);
#pragma GCC unroll 8
        for (int k = 0; k < count; k++) store(scratch.f1 + (v * stride + z + k) * L, f1[k] * ff);
      };
      if (stride % 8 == 0) {
        for (int z = 0; z < stride; z += 8) storeSections(Constant<8>{}, z);
      } else {
        for (int z = 0; z < stride; z += 4) storeSections(Constant<4>{}, z);
      }
      ShellRange range = shellRange<T>(d, load(tile.w + v * L));
      range.begin = range.begin / 4 * 4;
      range.end = range.end > d.angularShifts - 4 ? d.angularShifts : (range.end + 3) / 4 * 4;
      scratch.range[v] = range;
      T* f2 = scratch.f2 + v * shellCount * L;
      shells<T>(d, tile, v * L, range, f2);
      for (int a = d.angularShifts; a < shellCount; a++) store(f2 + a * L, Vec<T>{});
    }
    if (stride % 8 == 0) {
      accumulateShells<T, shellsTogether / 2, 8>(d, scratch);
    } else {
      accumulateShells<T, shellsTogether, 4>(d, scratch);
    }
  }
  storeShells(d, scratch.sums, row, block);
}

template <class T>
void forward(const Descriptor<T>& d, const Center<T>& center, const std::int16_t* position, const std::int16_t* active,
             int activeCount, T* x, int rows, int row, void* memory) {
  const std::uint16_t* segment = center.segment;
  ForwardScratch<T> scratch(d, Workspace(memory), segment[2 * d.elements]);
  scratch.neighbours.compute(d, center);
  const Row<T> out{x, position, rows, row};
  for (int i = 0; i < activeCount; i++)
    for (int k = 0; k < blockWidth; k += lanes<T>) store(out.block(active[i]) + k, Vec<T>{});
  for (int e = 0; e < d.elements; e++) {
    if (segment[2 * e] == segment[2 * e + 2]) continue;
    for (int b = 0; b < d.radialBlocks; b++)
      radialForward(d, scratch.neighbours, segment[2 * e], segment[2 * e + 2], b, out.block(d.radialBlock(e) + b));
  }
  for (int e = 0; e < d.elements; e++) {
    for (int f = e; f < d.elements; f++) {
      const TripleCursor cursor(segment[2 * e], segment[2 * e + 1], segment[2 * f], segment[2 * f + 1]);
      if (!cursor.done()) angularForward(d, scratch, cursor, out, d.angularBlock(d.pair(e, f)));
    }
  }
}

}  // namespace mlts::MLTS_ISA
