// How fast the register tile runs when everything is in L1: the limit that the network part is measured against.
#pragma once

#include <time.h>

#include "network.hpp"

namespace mlts::MLTS_ISA {

// Best of several runs within `seconds`, flops per second of the calling thread.
template <class T>
double peak(double seconds) {
  constexpr int blocks =
      16384 / (blockWidth * 2 * blockWidth * static_cast<int>(sizeof(T)));  // B: 16 kB, a third of L1
  constexpr int depth = blocks * blockWidth;
  alignas(64) static thread_local T a[tileRows * depth], b[2 * depth * blockWidth], c[2 * tileRows * blockWidth],
      bias[2 * blockWidth];
  for (int i = 0; i < tileRows * depth; i++) a[i] = T(0.01) * (i % 7);
  for (int i = 0; i < 2 * depth * blockWidth; i++) b[i] = T(0.01) * (i % 5);
  std::int16_t kBlock[blocks];
  for (int q = 0; q < blocks; q++) kBlock[q] = static_cast<std::int16_t>(q);
  const std::int16_t groups[2] = {0, 1};
  const TileProduct<T> product{a, c, tileRows, kBlock, blocks, nullptr};
  const auto now = [] {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
  };
  constexpr int repeats = 2000;
  const double flops = 2.0 * tileRows * 2 * blockWidth * depth * repeats;
  double best = 0;
  const double end = now() + seconds;
  do {
    const double begin = now();
    for (int i = 0; i < repeats; i++) multiply<T>(Epilogue::plain, &product, 1, b, depth, groups, 2, bias, T(0.1));
    const double rate = flops / (now() - begin);
    if (rate > best) best = rate;
  } while (now() < end);
  return best;
}

}  // namespace mlts::MLTS_ISA
