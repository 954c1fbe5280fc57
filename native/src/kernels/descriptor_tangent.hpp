// Derivative of the descriptor along a direction of the coordinates: ġ = J·u, the transpose of the backward pass.
#pragma once

#include "center_triples.hpp"
#include "training.hpp"

namespace mlts::MLTS_ISA {

template <class T>
struct TangentScratch {
  NeighbourTerms<T> neighbours;
  T *dr, *dx, *dy, *dz;  // [neighbour] ṙ and the derivative of the unit vector
  TripleTile<T> tile;
  T *dc, *dw, *dff;  // [triple] derivatives of the tile's c, w, ff
  T *a, *b;          // [triple][section]: (ff F1)˙ and ff ẇ F1
  T *shell, *slope;  // [triple][shell]: F2 and dF2/dw
  T* sums;           // [shell][section]
  PairRun* runs;

  static constexpr int triples = 128;
  static std::size_t bytes(const Descriptor<T>& d, int neighbours) {
    const std::size_t perSection = static_cast<std::size_t>(triples) * d.sectionStride;
    const std::size_t perShell = static_cast<std::size_t>(triples) * ForwardScratch<T>::paddedShells(d);
    return NeighbourTerms<T>::bytes(neighbours) + 4 * Workspace::bytes<T>(neighbours + 2 * blockWidth) +
           TripleTile<T>::bytes(triples) + 3 * Workspace::bytes<T>(triples + blockWidth) +
           2 * Workspace::bytes<T>(perSection) + 2 * Workspace::bytes<T>(perShell) +
           Workspace::bytes<T>(ForwardScratch<T>::sumCount(d)) +
           Workspace::bytes<PairRun>(d.elements * (d.elements + 1) / 2);
  }
  TangentScratch(const Descriptor<T>& d, Workspace workspace, int count)
      : neighbours(workspace, count),
        dr(workspace.take<T>(count + 2 * blockWidth)),
        dx(workspace.take<T>(count + 2 * blockWidth)),
        dy(workspace.take<T>(count + 2 * blockWidth)),
        dz(workspace.take<T>(count + 2 * blockWidth)),
        tile(workspace, triples),
        dc(workspace.take<T>(triples + blockWidth)),
        dw(workspace.take<T>(triples + blockWidth)),
        dff(workspace.take<T>(triples + blockWidth)),
        a(workspace.take<T>(static_cast<std::size_t>(triples) * d.sectionStride)),
        b(workspace.take<T>(static_cast<std::size_t>(triples) * d.sectionStride)),
        shell(workspace.take<T>(static_cast<std::size_t>(triples) * ForwardScratch<T>::paddedShells(d))),
        slope(workspace.take<T>(static_cast<std::size_t>(triples) * ForwardScratch<T>::paddedShells(d))),
        sums(workspace.take<T>(ForwardScratch<T>::sumCount(d))),
        runs(workspace.take<PairRun>(d.elements * (d.elements + 1) / 2)) {}

  // Ḋ = u_j − u_i + D·strain; ṙ = û·Ḋ; û˙ = (Ḋ − û ṙ)/r.
  void move(const Center<T>& center, const T* direction, const T* strain) {
    const int count = neighbours.count;
    const T* own = direction + static_cast<std::size_t>(center.self) * 4;
    for (int i = 0; i < count; i++) {
      const T* other = direction + static_cast<std::size_t>(center.atom[i]) * 4;
      T v[3] = {other[0] - own[0], other[1] - own[1], other[2] - own[2]};
      if (strain) {
        const T at[3] = {center.dx[i], center.dy[i], center.dz[i]};
        for (int k = 0; k < 3; k++) v[k] += at[0] * strain[k] + at[1] * strain[3 + k] + at[2] * strain[6 + k];
      }
      dx[i] = v[0], dy[i] = v[1], dz[i] = v[2];
    }
    T* const all[] = {dr, dx, dy, dz};
    for (T* array : all)
      for (int i = 0; i < 2 * blockWidth; i++) array[count + i] = 0;
    for (int i = 0; i < count; i += lanes<T>) {
      const Vec<T> x = load(neighbours.ux + i), y = load(neighbours.uy + i), z = load(neighbours.uz + i);
      const Vec<T> vx = load(dx + i), vy = load(dy + i), vz = load(dz + i), inverse = load(neighbours.inverse + i);
      const Vec<T> along = x * vx + y * vy + z * vz;
      const auto present = iota<T>() < count - i;
      const Vec<T> scale = present ? inverse : Vec<T>{};
      store(dr + i, present ? along : Vec<T>{});
      store(dx + i, (vx - x * along) * scale);
      store(dy + i, (vy - y * along) * scale);
      store(dz + i, (vz - z * along) * scale);
    }
  }

  // The tile's next triples with their derivatives; what fills up the last vector has none. Returns the number of runs.
  int fill(CenterTriples<T>& triples) {
    const int runCount = triples.fill(neighbours, tile, runs);
    const NeighbourTerms<T>& n = neighbours;
    for (int q = 0, p = 0; q < tile.chunks; q++) {
      const Chunk& chunk = tile.chunk[q];
      const int j = chunk.j;
      const Vec<T> x = splat(n.ux[j]), y = splat(n.uy[j]), z = splat(n.uz[j]);
      const Vec<T> vx = splat(dx[j]), vy = splat(dy[j]), vz = splat(dz[j]), half = splat(dr[j] / 2);
      const Vec<T> f2 = splat(2 * n.fa[j]), df2 = splat(2 * n.dfa[j] * dr[j]);
      for (int i = 0; i < chunk.count; i += lanes<T>) {
        const int k = chunk.k + i;
        storeu(dc + p + i, vx * loadu(n.ux + k) + vy * loadu(n.uy + k) + vz * loadu(n.uz + k) + x * loadu(dx + k) +
                               y * loadu(dy + k) + z * loadu(dz + k));
        storeu(dw + p + i, loadu(dr + k) * T(0.5) + half);
        storeu(dff + p + i, df2 * loadu(n.fa + k) + f2 * loadu(n.dfa + k) * loadu(dr + k));
      }
      p += chunk.count;
    }
    T* const all[] = {dc, dw, dff};
    for (T* array : all) storeu(array + tile.count, Vec<T>{});
    return runCount;
  }
};

template <class T>
void unpack(const Descriptor<T>& d, const T* vectors, int count, T* dx, T* dy, T* dz, T* r) {
  constexpr int L = lanes<T>;
  const int padded = (count + 2 * blockWidth - 1) / blockWidth * blockWidth;
  for (int i = 0; i < padded; i += L) {
    // Reads past the count stay within the frame's vectors, which end in as much padding.
    const auto present = iota<T>() < count - i;
    const int at = i < count ? i : 0;
    const Vec<T> x = present ? loadu(vectors + at) : splat(2 * d.radialCutoff);
    const Vec<T> y = present ? loadu(vectors + count + at) : Vec<T>{};
    const Vec<T> z = present ? loadu(vectors + 2 * count + at) : Vec<T>{};
    storeu(dx + i, x);
    storeu(dy + i, y);
    storeu(dz + i, z);
    storeu(r + i, sqrt(x * x + y * y + z * z));
  }
}

// Shifts in lanes.
template <class T>
void radialTangent(const Descriptor<T>& d, const TangentScratch<T>& scratch, int begin, int end, int block, T* out) {
  constexpr int perBlock = blockWidth / lanes<T>;
  const NeighbourTerms<T>& n = scratch.neighbours;
  const T* shifts = d.shiftsR + block * blockWidth;
  const int last = d.radialShifts - block * blockWidth < blockWidth ? d.radialShifts - block * blockWidth : blockWidth;
  const T nearest = shifts[0] - d.radialReach, farthest = shifts[last - 1] + d.radialReach;
  Vec<T> acc[perBlock];
#pragma GCC unroll 8
  for (int i = 0; i < perBlock; i++) acc[i] = Vec<T>{};
  for (int j = begin; j < end; j++) {
    const T r = n.r[j];
    if (r < nearest || r > farthest) continue;
    const T f = n.fr[j] * scratch.dr[j] * (-2 * d.etaR), df = n.dfr[j] * scratch.dr[j];
#pragma GCC unroll 8
    for (int i = 0; i < perBlock; i++) {
      const Vec<T> distance = r - loadu(shifts + i * lanes<T>);
      acc[i] += exp2(distance * distance * d.radialExponent) * (distance * f + df);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < perBlock; i++) store(out + i * lanes<T>, acc[i]);
}

template <class T>
void angularTangent(const Descriptor<T>& d, TangentScratch<T>& scratch, const std::uint16_t* segment,
                    const Row<T>& row) {
  constexpr int L = lanes<T>;
  TripleTile<T>& tile = scratch.tile;
  const int stride = d.sectionStride, shellCount = ForwardScratch<T>::paddedShells(d);
  const TripleRows<T> products[2] = {{scratch.a, scratch.shell}, {scratch.b, scratch.slope}};
  int block = -1;
  for (CenterTriples<T> triples(d, segment); !triples.done();) {
    const int runCount = scratch.fill(triples);
    for (int v = 0; v < tile.vectors(); v++) {
      const Angle<T> angle(load(tile.c + v * L));
      const Vec<T> ff = load(tile.ff + v * L), dff = load(scratch.dff + v * L), w = load(tile.w + v * L);
      const Vec<T> turn = ff * load(scratch.dc + v * L), stretch = ff * load(scratch.dw + v * L);
      for (int z = 0; z < stride; z += 4) {
        Vec<T> f1[4], df1[4];
        sectionsAndDerivatives<T, 4>(d, angle, SameSections{z}, f1, df1);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
          df1[k] = dff * f1[k] + turn * df1[k];
          f1[k] *= stretch;
        }
        fourIntoRows<T>(df1, scratch.a + v * L * stride + z, stride);
        fourIntoRows<T>(f1, scratch.b + v * L * stride + z, stride);
      }
      for (int a = 0; a < shellCount; a += 4) {
        Vec<T> f2[4], df2[4];
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
          const Vec<T> distance = w - d.shiftsA[a + s < d.angularShifts ? a + s : 0];
          f2[s] = exp2(distance * distance * d.shellExponent);
          df2[s] = f2[s] * distance * (-2 * d.etaA);
        }
        fourIntoRows<T>(f2, scratch.shell + v * L * shellCount + a, shellCount);
        fourIntoRows<T>(df2, scratch.slope + v * L * shellCount + a, shellCount);
      }
    }
    block = addRuns<T, 2>(d, products, scratch.runs, runCount, block, scratch.sums, row);
  }
  if (block >= 0) storeShells(d, scratch.sums, row, block);
}

template <class T>
void tangent(const Descriptor<T>& d, const Center<T>& center, const std::int16_t* position, const std::int16_t* active,
             int activeCount, const T* direction, const T* strain, T* x, int rows, int row, void* memory) {
  const std::uint16_t* segment = center.segment;
  TangentScratch<T> scratch(d, Workspace(memory), segment[2 * d.elements]);
  scratch.neighbours.compute(d, center);
  scratch.move(center, direction, strain);
  const Row<T> out{x, position, rows, row};
  for (int i = 0; i < activeCount; i++)
    for (int k = 0; k < blockWidth; k += lanes<T>) store(out.block(active[i]) + k, Vec<T>{});
  for (int e = 0; e < d.elements; e++) {
    if (segment[2 * e] == segment[2 * e + 2]) continue;
    for (int b = 0; b < d.radialBlocks; b++)
      radialTangent(d, scratch, segment[2 * e], segment[2 * e + 2], b, out.block(d.radialBlock(e) + b));
  }
  angularTangent(d, scratch, segment, out);
}

}  // namespace mlts::MLTS_ISA
