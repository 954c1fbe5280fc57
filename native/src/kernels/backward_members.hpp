// Backward pass for up to eight members at once: triples in lanes while their derivatives are contracted, members in
// lanes while forces are summed.
#pragma once

#include "descriptor_backward.hpp"
#include "members.hpp"

namespace mlts::MLTS_ISA {

// Sums over the triples of one neighbour j, eight members each:
// x, y, z: Σ p û_k; cutoff: Σ f(r_k) e; radial: Σ q, and the radial functions' derivative.
constexpr int neighbourSums = 48;  // five rows of 8, padded to whole vectors
constexpr int sumCutoff = 24, sumRadial = 32;

template <class T>
struct MembersScratch {
  NeighbourTerms<T> neighbours;
  AngularScratch<T> angular;
  T* radialGradient;  // [member][column]
  T* sums;            // [neighbour][neighbourSums]
  T* directions;      // [neighbour][ûx, ûy, ûz, f(r)], each in memberLanes lanes
  T* pe;              // [triple][p, e][member]
  T* q;               // [triple][member]

  static std::size_t bytes(const Descriptor<T>& d, int neighbours) {
    return NeighbourTerms<T>::bytes(neighbours) + AngularScratch<T>::bytes(d, memberLanes) +
           Workspace::bytes<T>(static_cast<std::size_t>(memberLanes) * d.radialBlocks * blockWidth) +
           Workspace::bytes<T>(static_cast<std::size_t>(neighbours + blockWidth) * neighbourSums) +
           Workspace::bytes<T>(static_cast<std::size_t>(neighbours) * 4 * memberLanes) +
           Workspace::bytes<T>(backwardTriples * 2 * memberLanes) + Workspace::bytes<T>(backwardTriples * memberLanes);
  }
  MembersScratch(const Descriptor<T>& d, Workspace workspace, int count)
      : neighbours(workspace, count),
        angular(d, workspace, memberLanes),
        radialGradient(workspace.take<T>(static_cast<std::size_t>(memberLanes) * d.radialBlocks * blockWidth)),
        sums(workspace.take<T>(static_cast<std::size_t>(count + blockWidth) * neighbourSums)),
        directions(workspace.take<T>(static_cast<std::size_t>(count) * 4 * memberLanes)),
        pe(workspace.take<T>(backwardTriples * 2 * memberLanes)),
        q(workspace.take<T>(backwardTriples * memberLanes)) {}
};

template <class T>
void startNeighbour(const NeighbourTerms<T>& n, int j, T* directions, T* sums) {
  const T values[4] = {n.ux[j], n.uy[j], n.uz[j], n.fa[j]};
  for (int i = 0; i < 4; i++) {
    storeMembers(directions + i * memberLanes, spreadMembers(values[i]));
    storeMembers(sums + i * memberLanes, Members<T>{});
  }
}

// Adds p û, f e and q of the triples of one chunk to the sums of j and of each k.
template <class T>
MLTS_INLINE void addChunk(const MembersScratch<T>& scratch, const Chunk& chunk, int triple) {
  T* const sumsJ = scratch.sums + chunk.j * neighbourSums;
  const T* const directionJ = scratch.directions + chunk.j * 4 * memberLanes;
  const T* pe = scratch.pe + triple * 2 * memberLanes;
  const T* q = scratch.q + triple * memberLanes;
  T* sums = scratch.sums + chunk.k * neighbourSums;
  const T* direction = scratch.directions + chunk.k * 4 * memberLanes;
  const int count = chunk.count;
  if constexpr (lanes<T> == 2 * memberLanes) {  // (x, y) and (z, cutoff) in a register each
    const Vec<T> xyJ = load(directionJ), zfJ = load(directionJ + lanes<T>);
    Vec<T> sumXY{}, sumZF{};
    Members<T> sumQ{};
    for (int i = 0; i < count; i++) {
      const Members<T> p = loadMembers(pe), radial = loadMembers(q);
      const Vec<T> pp = __builtin_shufflevector(p.v[0], p.v[0], 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
      const Vec<T> both = load(pe);
      sumXY += pp * load(direction);
      sumZF += both * load(direction + lanes<T>);
      sumQ = sumQ + radial;
      store(sums, load(sums) + pp * xyJ);
      store(sums + lanes<T>, load(sums + lanes<T>) + both * zfJ);
      storeMembers(sums + sumRadial, loadMembers(sums + sumRadial) + radial);
      pe += 2 * memberLanes, q += memberLanes, sums += neighbourSums, direction += 4 * memberLanes;
    }
    store(sumsJ, load(sumsJ) + sumXY);
    store(sumsJ + lanes<T>, load(sumsJ + lanes<T>) + sumZF);
    storeMembers(sumsJ + sumRadial, loadMembers(sumsJ + sumRadial) + sumQ);
  } else {
    Members<T> sum[5] = {};
    for (int i = 0; i < count; i++) {
      const Members<T> p = loadMembers(pe), e = loadMembers(pe + memberLanes), radial = loadMembers(q);
#pragma GCC unroll 4
      for (int s = 0; s < 4; s++) {
        const Members<T>& factor = s < 3 ? p : e;
        T* const sumK = sums + s * memberLanes;
        sum[s] = sum[s] + factor * direction[s * memberLanes];
        storeMembers(sumK, loadMembers(sumK) + factor * directionJ[s * memberLanes]);
      }
      sum[4] = sum[4] + radial;
      storeMembers(sums + sumRadial, loadMembers(sums + sumRadial) + radial);
      pe += 2 * memberLanes, q += memberLanes, sums += neighbourSums, direction += 4 * memberLanes;
    }
#pragma GCC unroll 5
    for (int s = 0; s < 5; s++) {
      T* const sumJ = sumsJ + s * memberLanes;
      storeMembers(sumJ, loadMembers(sumJ) + sum[s]);
    }
  }
}

template <class T>
void angularBackward(const Descriptor<T>& d, const MembersScratch<T>& scratch, TripleCursor cursor) {
  TripleTile<T> tile = scratch.angular.tile;
  while (!cursor.done()) {
    tile.fill(scratch.neighbours, cursor);
    for (int v = 0; v < tile.vectors(); v++) {
      const int at = v * lanes<T>;
      TripleDerivatives<T, memberLanes> out;
      tripleDerivatives<T, memberLanes>(d, scratch.angular, at, out);
      membersIntoLanes<T>(out.p, scratch.pe + at * 2 * memberLanes, 2 * memberLanes);
      membersIntoLanes<T>(out.e, scratch.pe + at * 2 * memberLanes + memberLanes, 2 * memberLanes);
      membersIntoLanes<T>(out.q, scratch.q + at * memberLanes, memberLanes);
    }
    for (int i = 0, triple = 0; i < tile.chunks; triple += tile.chunk[i++].count)
      addChunk(scratch, tile.chunk[i], triple);
  }
}

// From the sums to forces and virial. v = ∂E/∂D = (A − û(û·A))/r + û·s, where A sums the angles' part and s all that is
// radial.
template <class T>
void scatterMembers(const Descriptor<T>& d, const Center<T>& center, const MembersScratch<T>& scratch, int group,
                    int members, const Accumulators<T>& out) {
  const NeighbourTerms<T>& n = scratch.neighbours;
  const int present = members - group * memberLanes < memberLanes ? members - group * memberLanes : memberLanes;
  const int lanesOut = (members + memberLanes - 1) / memberLanes * memberLanes;
  const auto force = [&](int atom) {
    return out.forces + static_cast<std::size_t>(atom) * 3 * lanesOut + group * memberLanes;
  };
  Members<T> total[3] = {}, virial[6] = {};
  for (int e = 0; e < d.elements; e++) {
    for (int j = center.segment[2 * e]; j < center.segment[2 * e + 2]; j++) {
      const T* sums = scratch.sums + static_cast<std::size_t>(j) * neighbourSums;
      const T u[3] = {n.ux[j], n.uy[j], n.uz[j]};
      Members<T> along = loadMembers(sums + sumRadial), v[3];
      if (j < center.segment[2 * e + 1]) {
        Members<T> a[3];
        for (int k = 0; k < 3; k++) a[k] = loadMembers(sums + k * memberLanes) * n.inverse[j];
        along = along + loadMembers(sums + sumCutoff) * (2 * n.dfa[j]) - (a[0] * u[0] + a[1] * u[1] + a[2] * u[2]);
        for (int k = 0; k < 3; k++) v[k] = a[k] + along * u[k];
      } else {
        for (int k = 0; k < 3; k++) v[k] = along * u[k];
      }
      const T distance[3] = {center.dx[j], center.dy[j], center.dz[j]};
      T* f = force(center.atom[j]);
      for (int k = 0, c = 0; k < 3; k++) {
        total[k] = total[k] + v[k];
        storeMembers(f + k * lanesOut, loadMembers(f + k * lanesOut) - v[k]);
        for (int l = k; l < 3; l++, c++) virial[c] = virial[c] + v[k] * distance[l];
      }
      if (out.virials) {
        T* w = out.virials + static_cast<std::size_t>(center.atom[j]) * 9;
        for (int k = 0; k < 3; k++)
          for (int l = 0; l < 3; l++) w[3 * k + l] -= distance[k] * sumMembers(v[l]) / static_cast<T>(members);
      }
    }
  }
  T* f = force(center.self);
  for (int k = 0; k < 3; k++) storeMembers(f + k * lanesOut, loadMembers(f + k * lanesOut) + total[k]);
  // Σ D⊗v of one center is symmetric, for its energy does not change as the neighbours turn about it.
  for (int k = 0, c = 0; k < 3; k++) {
    for (int l = k; l < 3; l++, c++) {
      T w[memberLanes];
      storeMembers(w, virial[c]);
      for (int m = 0; m < present; m++) {
        double* const to = out.virial + group * memberLanes + m;
        to[(3 * k + l) * lanesOut] -= w[m];
        if (l != k) to[(3 * l + k) * lanesOut] -= w[m];
      }
    }
  }
}

template <class T>
void backwardMembers(const Descriptor<T>& d, const Center<T>& center, const std::int16_t* position,
                     const T* const* gradients, int members, int rows, int row, const Accumulators<T>& out,
                     void* memory) {
  const std::uint16_t* segment = center.segment;
  MembersScratch<T> scratch(d, Workspace(memory), segment[2 * d.elements]);
  NeighbourTerms<T>& n = scratch.neighbours;
  n.compute(d, center);
  for (int group = 0; group * memberLanes < members; group++) {
    const int left = members - group * memberLanes;
    const Gradients<T, memberLanes> gradient{gradients + group * memberLanes, left < memberLanes ? left : memberLanes,
                                             position, rows, row};
    const int columns = d.radialBlocks * blockWidth;
    for (int e = 0; e < d.elements; e++) {
      if (segment[2 * e] == segment[2 * e + 2]) continue;
      gradient.gather(d.radialBlock(e), d.radialBlocks, scratch.radialGradient, columns);
      for (int j = segment[2 * e]; j < segment[2 * e + 2]; j += lanes<T>) {
        Vec<T> acc[memberLanes];
        radialDerivative<T, memberLanes>(d, n, j, scratch.radialGradient, acc);
        membersIntoLanes<T>(acc, scratch.sums + static_cast<std::size_t>(j) * neighbourSums + sumRadial, neighbourSums);
      }
      for (int j = segment[2 * e]; j < segment[2 * e + 1]; j++)
        startNeighbour(n, j, scratch.directions + static_cast<std::size_t>(j) * 4 * memberLanes,
                       scratch.sums + static_cast<std::size_t>(j) * neighbourSums);
    }
    for (int e = 0; e < d.elements; e++) {
      for (int f = e; f < d.elements; f++) {
        const TripleCursor cursor(segment[2 * e], segment[2 * e + 1], segment[2 * f], segment[2 * f + 1]);
        if (cursor.done()) continue;
        gradient.gatherShells(d, d.angularBlock(d.pair(e, f)), scratch.angular.gradient, scratch.angular.memberStride,
                              scratch.angular.rowStride);
        angularBackward(d, scratch, cursor);
      }
    }
    scatterMembers(d, center, scratch, group, members, out);
  }
}

}  // namespace mlts::MLTS_ISA
