// The descriptor of one center of a small molecule: DescriptorKernels::forward with all pairs' triples in one list.
#pragma once

#include "center_triples.hpp"

namespace mlts::MLTS_ISA {

template <class T>
std::size_t trainingForwardBytes(const Descriptor<T>& d, int neighbours) {
  return ForwardScratch<T>::bytes(d, neighbours) + Workspace::bytes<PairRun>(d.elements * (d.elements + 1) / 2);
}

template <class T>
void trainingForward(const Descriptor<T>& d, const Center<T>& center, const std::int16_t* position,
                     const std::int16_t* active, int activeCount, T* x, int rows, int row, void* memory) {
  constexpr int L = lanes<T>;
  const std::uint16_t* segment = center.segment;
  Workspace workspace(memory);
  PairRun* const runs = workspace.take<PairRun>(d.elements * (d.elements + 1) / 2);
  ForwardScratch<T> scratch(d, workspace, segment[2 * d.elements]);
  scratch.neighbours.compute(d, center);
  const Row<T> out{x, position, rows, row};
  for (int i = 0; i < activeCount; i++)
    for (int k = 0; k < blockWidth; k += L) store(out.block(active[i]) + k, Vec<T>{});
  for (int e = 0; e < d.elements; e++) {
    if (segment[2 * e] == segment[2 * e + 2]) continue;
    for (int b = 0; b < d.radialBlocks; b++)
      radialForward(d, scratch.neighbours, segment[2 * e], segment[2 * e + 2], b, out.block(d.radialBlock(e) + b));
  }

  TripleTile<T>& tile = scratch.tile;
  const int stride = d.sectionStride, shellCount = ForwardScratch<T>::paddedShells(d);
  const TripleRows<T> product{scratch.f1, scratch.f2};
  int block = -1;
  for (CenterTriples<T> triples(d, segment); !triples.done();) {
    const int runCount = triples.fill(scratch.neighbours, tile, runs);
    for (int v = 0; v < tile.vectors(); v++) {
      const PreciseAngle<T> angle(load(tile.c + v * L));
      const Vec<T> ff = load(tile.ff + v * L), w = load(tile.w + v * L);
      for (int z = 0; z < stride; z += 4) {
        Vec<T> f1[4];
        sections<T, 4>(d, angle, z, f1);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) f1[k] *= ff;
        fourIntoRows<T>(f1, scratch.f1 + v * L * stride + z, stride);
      }
      for (int a = 0; a < shellCount; a += 4) {
        Vec<T> f2[4];
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
          const Vec<T> distance = w - d.shiftsA[a + s < d.angularShifts ? a + s : 0];
          f2[s] = exp2(distance * distance * d.shellExponent);
        }
        fourIntoRows<T>(f2, scratch.f2 + v * L * shellCount + a, shellCount);
      }
    }
    block = addRuns<T, 1>(d, &product, runs, runCount, block, scratch.sums, out);
  }
  if (block >= 0) storeShells(d, scratch.sums, out, block);
}

}  // namespace mlts::MLTS_ISA
