// Backward pass for one set of gradients, the mean of the members: triples and neighbours in lanes throughout.
#pragma once

#include "descriptor_backward.hpp"

namespace mlts::MLTS_ISA {

template <class T>
struct MeanScratch {
  NeighbourTerms<T> neighbours;
  AngularScratch<T> angular;
  T* radialGradient;         // [column]
  T *ax, *ay, *az, *radial;  // sums over triples in which a neighbour is the k: Σ p û_j, Σ radial derivatives
  T* own;                    // [neighbour][4], the same where it is the j
  T *p, *e, *q;              // [triple]

  static std::size_t bytes(const Descriptor<T>& d, int neighbours) {
    return NeighbourTerms<T>::bytes(neighbours) + AngularScratch<T>::bytes(d, 1) +
           Workspace::bytes<T>(d.radialBlocks * blockWidth) + 4 * Workspace::bytes<T>(neighbours + 2 * blockWidth) +
           Workspace::bytes<T>(4 * (static_cast<std::size_t>(neighbours) + blockWidth)) +
           3 * Workspace::bytes<T>(backwardTriples + blockWidth);
  }
  MeanScratch(const Descriptor<T>& d, Workspace workspace, int count)
      : neighbours(workspace, count),
        angular(d, workspace, 1),
        radialGradient(workspace.take<T>(d.radialBlocks * blockWidth)) {
    T** const perNeighbour[] = {&ax, &ay, &az, &radial};
    for (T** array : perNeighbour) *array = workspace.take<T>(count + 2 * blockWidth);
    own = workspace.take<T>(4 * (static_cast<std::size_t>(count) + blockWidth));
    T** const perTriple[] = {&p, &e, &q};
    for (T** array : perTriple) *array = workspace.take<T>(backwardTriples + blockWidth);
  }
};

template <class T>
MLTS_INLINE void addChunk(const MeanScratch<T>& scratch, const Chunk& chunk, int triple) {
  const NeighbourTerms<T>& n = scratch.neighbours;
  const int j = chunk.j;
  const Vec<T> x = splat(n.ux[j]), y = splat(n.uy[j]), z = splat(n.uz[j]);
  const Vec<T> f2 = splat(2 * n.fa[j]), df2 = splat(2 * n.dfa[j]), zero{};
  Vec<T> sums[4] = {};
  const auto add = [](T* to, Vec<T> term) { storeu(to, loadu(to) + term); };
  for (int i = 0; i < chunk.count; i += lanes<T>) {
    const int k = chunk.k + i;
    const auto present = iota<T>() < chunk.count - i;
    const Vec<T> p = present ? loadu(scratch.p + triple + i) : zero;
    const Vec<T> e = present ? loadu(scratch.e + triple + i) : zero;
    const Vec<T> q = present ? loadu(scratch.q + triple + i) : zero;
    sums[0] += p * loadu(n.ux + k);
    sums[1] += p * loadu(n.uy + k);
    sums[2] += p * loadu(n.uz + k);
    sums[3] += df2 * loadu(n.fa + k) * e + q;
    add(scratch.ax + k, p * x);
    add(scratch.ay + k, p * y);
    add(scratch.az + k, p * z);
    add(scratch.radial + k, f2 * loadu(n.dfa + k) * e + q);
  }
  addSums<T>(sums, scratch.own + 4 * static_cast<std::size_t>(j));
}

template <class T>
void angularBackward(const Descriptor<T>& d, const MeanScratch<T>& scratch, TripleCursor cursor) {
  TripleTile<T> tile = scratch.angular.tile;
  while (!cursor.done()) {
    tile.fill(scratch.neighbours, cursor);
    for (int at = 0; at < tile.count; at += lanes<T>) {
      TripleDerivatives<T, 1> out;
      tripleDerivatives<T, 1>(d, scratch.angular, at, out);
      store(scratch.p + at, out.p[0]);
      store(scratch.e + at, out.e[0]);
      store(scratch.q + at, out.q[0]);
    }
    for (int i = 0, triple = 0; i < tile.chunks; triple += tile.chunk[i++].count)
      addChunk(scratch, tile.chunk[i], triple);
  }
}

// v = ∂E/∂D = (A − û(û·A))/r + û·s; F_j −= v, F_i += v, W −= D⊗v.
template <class T>
void scatterMean(const Center<T>& center, const MeanScratch<T>& scratch, const Accumulators<T>& out) {
  const NeighbourTerms<T>& n = scratch.neighbours;
  const int count = n.count;
  T* const v[3] = {scratch.ax, scratch.ay, scratch.az};
  Vec<T> total[3] = {}, virial[6] = {};
  for (int i = 0; i < count; i += lanes<T>) {
    const auto present = iota<T>() < count - i;
    alignas(64) T own[4][lanes<T>];
    for (int k = 0; k < lanes<T>; k++)
      for (int c = 0; c < 4; c++) own[c][k] = scratch.own[4 * static_cast<std::size_t>(i + k) + c];
    const Vec<T> u[3] = {load(n.ux + i), load(n.uy + i), load(n.uz + i)}, inverse = load(n.inverse + i);
    Vec<T> a[3], along{};
    for (int c = 0; c < 3; c++) {
      a[c] = (load(v[c] + i) + load(own[c])) * inverse;
      along += a[c] * u[c];
    }
    along = load(scratch.radial + i) + load(own[3]) - along;
    const Vec<T> distance[3] = {loadu(center.dx + i), loadu(center.dy + i), loadu(center.dz + i)};
    for (int c = 0, w = 0; c < 3; c++) {
      a[c] = present ? a[c] + along * u[c] : Vec<T>{};
      store(v[c] + i, a[c]);
      total[c] += a[c];
      for (int l = c; l < 3; l++, w++) virial[w] += a[c] * distance[l];
    }
  }
  for (int j = 0; j < count; j++) {
    T* f = out.forces + static_cast<std::size_t>(center.atom[j]) * 4;
    for (int c = 0; c < 3; c++) f[c] -= v[c][j];
  }
  if (out.virials) {
    for (int j = 0; j < count; j++) {
      T* w = out.virials + static_cast<std::size_t>(center.atom[j]) * 9;
      const T distance[3] = {center.dx[j], center.dy[j], center.dz[j]};
      for (int c = 0; c < 3; c++)
        for (int l = 0; l < 3; l++) w[3 * c + l] -= distance[c] * v[l][j];
    }
  }
  T* f = out.forces + static_cast<std::size_t>(center.self) * 4;
  for (int c = 0; c < 3; c++) f[c] += sum<T>(total[c]);
  // Σ D⊗v of one center is symmetric, for its energy does not change as the neighbours turn about it.
  for (int c = 0, w = 0; c < 3; c++) {
    for (int l = c; l < 3; l++, w++) {
      const double term = sum<T>(virial[w]);
      out.virial[3 * c + l] -= term;
      if (l != c) out.virial[3 * l + c] -= term;
    }
  }
}

template <class T>
void backwardMean(const Descriptor<T>& d, const Center<T>& center, const std::int16_t* position,
                  const T* const* gradients, int rows, int row, const Accumulators<T>& out, void* memory) {
  const std::uint16_t* segment = center.segment;
  const int count = segment[2 * d.elements];
  MeanScratch<T> scratch(d, Workspace(memory), count);
  scratch.neighbours.compute(d, center);
  const Gradients<T, 1> gradient{gradients, 1, position, rows, row};
  T* const starting[] = {scratch.ax, scratch.ay, scratch.az};
  for (int i = 0; i < count + blockWidth; i += lanes<T>)
    for (T* sums : starting) store(sums + i, Vec<T>{});
  for (int i = 0; i < 4 * (count + blockWidth); i += lanes<T>) store(scratch.own + i, Vec<T>{});
  for (int e = 0; e < d.elements; e++) {
    if (segment[2 * e] == segment[2 * e + 2]) continue;
    gradient.gather(d.radialBlock(e), d.radialBlocks, scratch.radialGradient, 0);
    for (int j = segment[2 * e]; j < segment[2 * e + 2]; j += lanes<T>) {
      Vec<T> acc[1];
      radialDerivative<T, 1>(d, scratch.neighbours, j, scratch.radialGradient, acc);
      storeu(scratch.radial + j, acc[0]);
    }
  }
  for (int e = 0; e < d.elements; e++) {
    for (int f = e; f < d.elements; f++) {
      const TripleCursor cursor(segment[2 * e], segment[2 * e + 1], segment[2 * f], segment[2 * f + 1]);
      if (cursor.done()) continue;
      gradient.gatherShells(d, d.angularBlock(d.pair(e, f)), scratch.angular.gradient, 0, scratch.angular.rowStride);
      angularBackward(d, scratch, cursor);
    }
  }
  scatterMean(center, scratch, out);
}

}  // namespace mlts::MLTS_ISA
