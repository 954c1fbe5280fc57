// What both backward passes share: gradients gathered for one center, and the contraction with the symmetry
// functions' derivatives (eq. 3 and 9 of docs/maths.md).
#pragma once

#include "angular.hpp"
#include "transpose.hpp"

namespace mlts::MLTS_ISA {

constexpr int backwardTriples = 128;  // what one pass keeps stays in the first-level cache

// ∂E_m/∂x of one row for `members` members; those a model does not have are zero.
template <class T, int members>
struct Gradients {
  const T* const* x;  // [present]
  int present;
  const std::int16_t* position;
  int rows, row;

  const T* block(int m, int b) const {
    return x[m] + (static_cast<std::size_t>(position[b]) * rows + row) * blockWidth;
  }

  // out[m·memberStride + column] for the columns of `count` blocks.
  void gather(int first, int count, T* out, int memberStride) const {
    for (int m = 0; m < members; m++) {
      for (int b = 0; b < count; b++) {
        T* to = out + m * memberStride + b * blockWidth;
        const T* from = m < present ? block(m, first + b) : nullptr;
        for (int i = 0; i < blockWidth; i += lanes<T>) store(to + i, from ? load(from + i) : Vec<T>{});
      }
    }
  }
  // out[m·memberStride + shell·rowStride + section] for the columns of one pair of elements.
  void gatherShells(const Descriptor<T>& d, int first, T* out, int memberStride, int rowStride) const {
    if (rowStride == d.sectionStride) return gather(first, d.angularBlocks, out, memberStride);
    for (int m = 0; m < members; m++) {
      for (int a = 0; a < d.angularShifts; a++) {
        T* to = out + m * memberStride + a * rowStride;
        for (int z = 0; z < d.sectionStride; z++) {
          const int column = a * d.sectionStride + z;
          to[z] = m < present ? block(m, first + column / blockWidth)[column % blockWidth] : T(0);
        }
      }
    }
  }
};

// acc[m] = Σ_k g_mk dG_k/dr for one vector of neighbours; only the shifts some of them can see.
template <class T, int members>
MLTS_INLINE void radialDerivative(const Descriptor<T>& d, const NeighbourTerms<T>& n, int at, const T* gradient,
                                  Vec<T>* acc) {
  const Vec<T> r = loadu(n.r + at), f = loadu(n.fr + at), df = loadu(n.dfr + at);
  const T low = smallest<T>(r) - d.radialReach, high = largest<T>(r) + d.radialReach;
  int begin = 0, end = d.radialShifts;
  while (begin < end && d.shiftsR[begin] < low) begin++;
  while (begin < end && d.shiftsR[end - 1] > high) end--;
#pragma GCC unroll 8
  for (int m = 0; m < members; m++) acc[m] = Vec<T>{};
  for (int k = begin; k < end; k++) {
    const Vec<T> distance = r - d.shiftsR[k];
    const Vec<T> slope = exp2(distance * distance * d.radialExponent) * (df + distance * f * (-2 * d.etaR));
#pragma GCC unroll 8
    for (int m = 0; m < members; m++) acc[m] += slope * gradient[m * d.radialBlocks * blockWidth + k];
  }
}

// Per vector of triples and member, with T = 2ff·F1·F2 summed over shells and sections under the gradient:
// p = ∂T/∂c, e = T/ff, q = ff·∂(T/ff)/∂r_j (equal for r_k).
template <class T, int members>
struct TripleDerivatives {
  Vec<T> p[members], e[members], q[members];
};

template <class T, int members, int n, class Sections>
MLTS_INLINE void contract(const T* gradient, int memberStride, int rowStride, const Sections& which, ShellRange range,
                          const T* f2, const T* df2, const Vec<T>* f1, const Vec<T>* df1,
                          TripleDerivatives<T, members>& out) {
  constexpr int together = members == 1 || registers < 32 ? 1 : 2;
#pragma GCC unroll 1
  for (int m = 0; m < members; m += together) {
    Vec<T> a[together][n], b[together][n];  // Σ_shells g F2, Σ_shells g ∂F2/∂r
#pragma GCC unroll 2
    for (int u = 0; u < together; u++) {
#pragma GCC unroll 8
      for (int z = 0; z < n; z++) a[u][z] = b[u][z] = Vec<T>{};
    }
    const T* rows = gradient + m * memberStride;
    for (int s = range.begin; s < range.end; s++) {
      const Vec<T> shell = load(f2 + s * lanes<T>), slope = load(df2 + s * lanes<T>);
#pragma GCC unroll 2
      for (int u = 0; u < together; u++) {
#pragma GCC unroll 8
        for (int z = 0; z < n; z++) {
          const Vec<T> g = which.pick(rows + u * memberStride + s * rowStride, z);
          a[u][z] += g * shell;
          b[u][z] += g * slope;
        }
      }
    }
#pragma GCC unroll 2
    for (int u = 0; u < together; u++) {
      Vec<T> p = out.p[m + u], e = out.e[m + u], q = out.q[m + u];
#pragma GCC unroll 8
      for (int z = 0; z < n; z++) {
        p += a[u][z] * df1[z];
        e += a[u][z] * f1[z];
        q += b[u][z] * f1[z];
      }
      out.p[m + u] = p, out.e[m + u] = e, out.q[m + u] = q;
    }
  }
}

// Whether this instruction set can make use of the windows of sections.
template <class T>
MLTS_INLINE bool windowed(const Descriptor<T>& d) {
  return hasLookup && sizeof(T) == 4 && d.sectionWindow;
}

template <class T>
struct AngularScratch {
  TripleTile<T> tile;
  T *f2, *df2;  // [shell] of one vector
  T* gradient;  // [member][shell][rowStride]
  int rowStride, memberStride;

  static int rowStrideOf(const Descriptor<T>& d) { return windowed(d) ? lanes<T> : d.sectionStride; }
  static int memberStrideOf(const Descriptor<T>& d) {
    const int columns = d.angularShifts * rowStrideOf(d);
    return columns > d.angularBlocks * blockWidth ? columns : d.angularBlocks * blockWidth;
  }
  static std::size_t bytes(const Descriptor<T>& d, int members) {
    return TripleTile<T>::bytes(backwardTriples) +
           2 * Workspace::bytes<T>(static_cast<std::size_t>(d.angularShifts) * lanes<T>) +
           Workspace::bytes<T>(static_cast<std::size_t>(members) * memberStrideOf(d) + blockWidth);
  }
  AngularScratch(const Descriptor<T>& d, Workspace& workspace, int members)
      : tile(workspace, backwardTriples),
        f2(workspace.take<T>(static_cast<std::size_t>(d.angularShifts) * lanes<T>)),
        df2(workspace.take<T>(static_cast<std::size_t>(d.angularShifts) * lanes<T>)),
        gradient(workspace.take<T>(static_cast<std::size_t>(members) * memberStrideOf(d) + blockWidth)),
        rowStride(rowStrideOf(d)),
        memberStride(memberStrideOf(d)) {}
};

// p, e, q of the vector of triples at `at`.
template <class T, int members>
MLTS_INLINE void tripleDerivatives(const Descriptor<T>& d, const AngularScratch<T>& scratch, int at,
                                   TripleDerivatives<T, members>& out) {
  const Vec<T> w = load(scratch.tile.w + at), ff = load(scratch.tile.ff + at), c = load(scratch.tile.c + at);
  const ShellRange range = shellRange<T>(d, w);
  shells<T>(d, scratch.tile, at, range, scratch.f2);
  for (int a = range.begin; a < range.end; a++)  // ∂F2/∂r = −η(w − R_a) F2
    store(scratch.df2 + a * lanes<T>, load(scratch.f2 + a * lanes<T>) * (d.etaA * d.shiftsA[a] - w * d.etaA));
  const Angle<T> angle(c);
#pragma GCC unroll 8
  for (int m = 0; m < members; m++) out.p[m] = out.e[m] = out.q[m] = Vec<T>{};
  const auto add = [&](auto n, const auto& which) {
    constexpr int count = decltype(n)::value;
    Vec<T> f1[count], df1[count];
    sectionsAndDerivatives<T, count>(d, angle, which, f1, df1);
    contract<T, members, count>(scratch.gradient, scratch.memberStride, scratch.rowStride, which, range, scratch.f2,
                                scratch.df2, f1, df1, out);
  };
  if constexpr (hasLookup && sizeof(T) == 4) {
    if (windowed(d)) {
      add(Constant<5>{}, LaneSections<T>(d, angle.x));
    } else {
      for (int z = 0; z < d.sectionStride; z += 4) add(Constant<4>{}, SameSections{z});
    }
  } else {
    for (int z = 0; z < d.sectionStride; z += 4) add(Constant<4>{}, SameSections{z});
  }
#pragma GCC unroll 8
  for (int m = 0; m < members; m++) {
    out.p[m] *= ff;
    out.q[m] *= ff;
  }
}

}  // namespace mlts::MLTS_ISA
