// What is done to weights once a step: gathering of gradients, Adam, averages, the second order of storage.
#pragma once

#include "../simd/simd.hpp"
#include "training.hpp"

namespace mlts::MLTS_ISA {

template <class T>
double gather(T* const* parts, int count, std::size_t n) {
  double total = 0;
  constexpr std::size_t run = 4096;  // the squares of a run are summed in T
  for (std::size_t begin = 0; begin < n; begin += run) {
    const std::size_t end = begin + run < n ? begin + run : n;
    Vec<T> squares{};
    for (std::size_t i = begin; i < end; i += lanes<T>) {
      Vec<T> g = load(parts[0] + i);
      for (int p = 1; p < count; p++) {
        g += load(parts[p] + i);
        store(parts[p] + i, Vec<T>{});
      }
      store(parts[0] + i, g);
      squares += g * g;
    }
    total += sum<T>(squares);
  }
  return total;
}

// doi:10.48550/arXiv.1412.6980, algorithm 1; decoupled decay: doi:10.48550/arXiv.1711.05101, algorithm 2.
template <class T>
void adam(const AdamStep<T>& step, const T* gradient, T* value, T* m, T* v, std::size_t n) {
  for (std::size_t i = 0; i < n; i += lanes<T>) {
    const Vec<T> p = load(value + i);
    const Vec<T> g = load(gradient + i) * step.gradientScale + p * step.l2;
    const Vec<T> first = load(m + i) * step.beta1 + g * (1 - step.beta1);
    const Vec<T> second = load(v + i) * step.beta2 + g * g * (1 - step.beta2);
    store(m + i, first);
    store(v + i, second);
    store(value + i, p * step.shrink - first * step.rate / (sqrt(second) * step.rootScale + step.epsilon));
  }
}

template <class T>
void average(T* average, const T* value, T d, std::size_t n) {
  // By the difference, so that the average of what never changes is that to the bit: frozen layers.
  for (std::size_t i = 0; i < n; i += lanes<T>) {
    const auto old = load(average + i);
    store(average + i, old + (load(value + i) - old) * (1 - d));
  }
}

template <class T>
void transposePanels(const T* from, int rows, int columns, T* to) {
  constexpr int width = blockWidth;
  for (int group = 0; group < columns / width; group++)
    for (int panel = 0; panel < rows / width; panel++) {
      const T* source = from + (static_cast<std::size_t>(group) * rows + panel * width) * width;
      T* target = to + (static_cast<std::size_t>(panel) * columns + group * width) * width;
      for (int i = 0; i < width; i++)
        for (int k = 0; k < width; k++) target[k * width + i] = source[i * width + k];
    }
}

}  // namespace mlts::MLTS_ISA
