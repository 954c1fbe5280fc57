// What the driver (compiled once) and the kernels (compiled once per instruction set) share: plain structs
// and tables of function pointers. T is float or double throughout.
//
// Columns of the descriptor come in blocks of 16: radialBlocks per neighbour element, angularBlocks per pair of
// elements, each zero-padded. A tile is up to `tileRows` atoms of one element; it stores only the blocks that some atom
// of it can see (active blocks), tile-major: value(row, block, column) = x[(position[block] * rows + row) * 16 +
// column].
#pragma once

#include <cstddef>
#include <cstdint>

namespace mlts {

constexpr int blockWidth = 16;
constexpr int memberLanes = 8;  // members travel in groups of 8 through the descriptor's backward pass

// Constants of the symmetry functions (docs/maths.md), made by DescriptorConstants. Å, Å⁻², rad.
// The columns of one shell of a pair are its sections, rounded up to sectionStride: column shell·sectionStride +
// section.
template <class T>
struct Descriptor {
  int elements, radialShifts, angularShifts, sections;
  int sectionStride;  // sections rounded up to a multiple of 4
  int radialBlocks, angularBlocks, blocks;
  bool smoothCutoff;  // false: ½ + ½cos(πr/Rc); true: exp(1 − 1/(1 − (r/Rc)²))
  T radialCutoff, angularCutoff, etaR, etaA, zeta;
  const T* shiftsR;  // [radialBlocks·16], padded with a shift out of reach
  const T* shiftsA;  // [angularShifts], ascending
  const T* cosZ;     // [sectionStride + 16], padded with 0
  const T* sinZ;
  const double *halfCosZ, *halfSinZ;  // [sectionStride], half of both, where digits count
  T radialExponent, shellExponent;    // −η log2 e of both: exp(−ηd²) = 2^(d²·exponent)
  // h^(ζ−1) = h^power · Σ_k polynomial[k] h^k on [0,1]; degree −1: exp((ζ−1) ln h)
  int power, polynomialDegree;
  T smallestBase;  // h below it counts as it
  const T* polynomial;
  // Distances from its centre beyond which exp(−ηd²) is below the tolerance of T.
  T radialReach, angularReach;
  // 6 … 8 sections of which no angle sees more than 5 above the tolerance: θ sees those from
  // the number of thresholds above cos θ. Only for T that can look up 8 sections in a register.
  bool sectionWindow;
  T windowThreshold[3];

  // Inlined, so that no copy compiled for one instruction set is called by another.
  [[gnu::always_inline]] int pair(int a, int b) const {
    const int low = a < b ? a : b, high = a < b ? b : a;
    return low * elements - low * (low - 1) / 2 + (high - low);
  }
  [[gnu::always_inline]] int radialBlock(int element) const { return element * radialBlocks; }
  [[gnu::always_inline]] int angularBlock(int pair) const { return elements * radialBlocks + pair * angularBlocks; }
};

// One atom and its neighbours within the radial cutoff: sorted by element, within an element those inside the angular
// cutoff first, those roughly nearest first (which only saves time). segment[2e] … segment[2e+1] are angular,
// segment[2e+1] … segment[2e+2] radial only; segment[2·elements] = count. The four float arrays may be read 16 past the
// count: there r is beyond the cutoff and all is finite.
template <class T>
struct Center {
  const T *dx, *dy, *dz, *r;  // Å, from this atom to the neighbour
  const std::int32_t* atom;   // index of the neighbour's owner in the force array
  const std::uint16_t* segment;
  std::int32_t self;
};

// Where the backward pass accumulates. lanes = 1 (mean) or memberLanes·⌈members/8⌉.
template <class T>
struct Accumulators {
  T* forces;       // lanes == 1: [atom][4]; else [atom][3][lanes]
  double* virial;  // [9][lanes], W = −Σ D⊗∂E/∂D
  T* virials;      // [atom][9] of the mean, or null; a term belongs to the neighbour at the end of D
};

template <class T>
struct DescriptorKernels {
  // Bytes of scratch, aligned to 64, that one thread needs for centers of at most `neighbours` neighbours.
  std::size_t (*scratchBytes)(const Descriptor<T>&, int neighbours, int members);
  // Writes row `row` of a tile; every active block is written in whole, unseen ones with zeros.
  void (*forward)(const Descriptor<T>&, const Center<T>&, const std::int16_t* position, const std::int16_t* active,
                  int activeCount, T* x, int rows, int row, void* scratch);
  // Adds forces and virial of row `row`; gradients[m] = ∂E_m/∂x of the tile, laid out like x. members == 1 is the mean.
  void (*backward)(const Descriptor<T>&, const Center<T>&, const std::int16_t* position, const T* const* gradients,
                   int members, int rows, int row, const Accumulators<T>& out, void* scratch);
};

// Candidates of one center, sorted by element: indices into `points`, [..][4] x, y, z and an unused fourth.
struct Candidates {
  const std::int32_t* index;
  const std::uint32_t* end;  // [elements] end of each element's run
  int elements;
  const double* points;
  const std::int32_t* owner;  // [points] atom that a point is an image of
  const double* center;       // x, y, z
};

// Where `filter` writes a Center; the arrays hold 16 more than the candidates, and `spare` 5 such arrays.
template <class T>
struct CenterArrays {
  T *dx, *dy, *dz, *r;
  std::int32_t* atom;
  std::uint16_t* segment;  // [2·elements + 1]
  T* nearest;              // distance of the nearest neighbour, beyond the cutoff if there is none
  void* spare;
};

template <class T>
struct NeighbourKernels {
  // Appends first + i for the points i < count within √limit of (x, y, z), and their squared distances. Writes up to 16
  // past the end of both.
  int (*within)(const float* const points[3], int first, int count, const float center[3], float limit,
                std::int32_t* index, float* squared);
  // Neighbours within the cutoffs. Returns their number, or −1 if there are more than a segment can count.
  int (*filter)(const Candidates&, T radialCutoff, T angularCutoff, std::int32_t firstAtom, const CenterArrays<T>& out);
};

enum class Epilogue { celu, celuGradient, plain, add };

// One tile's part in a matrix product; tile-major matrices as above.
template <class T>
struct TileProduct {
  const T* a;  // [kCount][rows][16]
  T* c;        // [groups][rows][16]
  int rows;
  const std::int16_t* kBlock;  // block q of A multiplies rows kBlock[q]·16 … +15 of B
  int kCount;
  const std::int16_t* position;  // group g of B goes to block position[g] of C, −1: nowhere; null: to block g
};

template <class T>
struct NetworkKernels {
  int tileRows;  // most rows of a tile
  // C = epilogue(A·B + bias) for each tile. B is packed [group][depth][16]; only the groups listed are computed, each
  // read from the cache by all tiles in turn. bias: [16·groups of B], read by Epilogue::celu only.
  void (*multiply)(Epilogue, const TileProduct<T>* tiles, int tileCount, const T* b, std::size_t depth,
                   const std::int16_t* groups, int groupCount, const T* bias, T celuAlpha);
  // C = epilogue(A·Bᵀ) for one tile and B packed as above for A·B: kBlock names its groups, `groups` blocks of its
  // rows.
  void (*multiplyTransposed)(Epilogue, const TileProduct<T>& tile, const T* b, std::size_t depth,
                             const std::int16_t* groups, int groupCount, T celuAlpha);
  // Last layer, one output: energy[row] = Σ y·weights + bias; y becomes weights·scale·CELU′(y).
  void (*output)(T* y, int rows, int blocks, const T* weights, T bias, T scale, T celuAlpha, T* energy);
  // Flops per second of `multiply` on one tile with everything in L1, on the calling thread.
  double (*peak)(double seconds);
};

template <class T>
struct HipnnKernels;  // ../hipnn/kernels.hpp

template <class T>
struct Kernels {
  NeighbourKernels<T> neighbours;
  DescriptorKernels<T> descriptor;
  NetworkKernels<T> network;
  const HipnnKernels<T>* hipnn;
};

// Defined once per instruction set, each in its own namespace.
#define MLTS_DECLARE_KERNELS(isa)             \
  namespace isa {                             \
  extern const Kernels<float> singleKernels;  \
  extern const Kernels<double> doubleKernels; \
  }
MLTS_DECLARE_KERNELS(portable)
MLTS_DECLARE_KERNELS(avx2)
MLTS_DECLARE_KERNELS(avx512)
#undef MLTS_DECLARE_KERNELS

}  // namespace mlts
