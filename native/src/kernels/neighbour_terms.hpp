// What the symmetry functions need of each neighbour: unit vector, distance, both cutoff functions and their
// derivatives.
#pragma once

#include "../simd/simd.hpp"
#include "interface.hpp"

namespace mlts::MLTS_ISA {

// Hands out aligned arrays from one piece of memory.
class Workspace {
 public:
  explicit Workspace(void* memory) : next_(static_cast<char*>(memory)) {}
  template <class T>
  T* take(std::size_t n) {
    T* p = reinterpret_cast<T*>(next_);
    next_ += bytes<T>(n);
    return p;
  }
  // One vector may be read or written past the end of each array.
  template <class T>
  static constexpr std::size_t bytes(std::size_t n) {
    return (n * sizeof(T) + 63) / 64 * 64 + 64;
  }

 private:
  char* next_;
};

// sin πu and cos πu for |u| ≤ ½. float: polynomials in u² fitted for least largest error, 1e-9 before rounding.
MLTS_INLINE void sincospi(Vec<float> u, Vec<float>& sine, Vec<float>& cosine) {
  const Vec<float> t = u * u;
  Vec<float> s = splat(-7.00050033e-3f), c = splat(-2.43967166e-2f);
  s = s * t + 8.20312301e-2f, c = c * t + 2.34937559e-1f;
  s = s * t - 5.99247405e-1f, c = c * t - 1.33521206f;
  s = s * t + 2.55016279f, c = c * t + 4.05870916f;
  s = s * t - 5.16771274f, c = c * t - 4.93480214f;
  s = s * t + 3.14159265f, c = c * t + 1.0f;
  sine = s * u;
  cosine = c;
}
// double: Taylor series to x²³ and x²⁴, x = πu ≤ π/2: remainder below 1e-20.
MLTS_INLINE void sincospi(Vec<double> u, Vec<double>& sine, Vec<double>& cosine) {
  const Vec<double> x = u * 3.14159265358979323846;
  const Vec<double> t = x * x;
  Vec<double> s = splat(1.0), c = splat(1.0);
#pragma GCC unroll 12
  for (int k = 22; k >= 2; k -= 2) s = 1.0 - s * t * (1.0 / (k * (k + 1)));
#pragma GCC unroll 13
  for (int k = 24; k >= 2; k -= 2) c = 1.0 - c * t * (1.0 / (k * (k - 1)));
  sine = s * x;
  cosine = c;
}

// f(r) and f′(r), both times scale; r beyond the cutoff counts as the cutoff, where both are 0.
template <class T>
MLTS_INLINE void cutoff(bool smooth, Vec<T> r, T radius, T scale, Vec<T>& f, Vec<T>& df) {
  r = min(r, splat(radius));
  if (smooth) {  // exp(1 − 1/y), y = 1 − u²; below y = 1e-3 it is 0 in either precision
    const Vec<T> u = r * (1 / radius);
    const Vec<T> inverse = T(1) / max(T(1) - u * u, splat(T(1e-3)));
    f = exp<T>(T(1) - inverse) * scale;
    df = f * u * inverse * inverse * (-2 / radius);
  } else {  // ½ + ½cos πu = sin² ½π(1 − u): no digits are lost towards the cutoff
    Vec<T> s, c;
    sincospi((radius - r) * (T(0.5) / radius), s, c);
    f = s * s * scale;
    df = s * c * (scale * T(-3.14159265358979323846) / radius);
  }
}

template <class T>
struct NeighbourTerms {
  int count;
  T *ux, *uy, *uz;  // unit vector
  T *r, *inverse;   // Å, 1/Å
  T *fr, *dfr;      // ¼ of the radial cutoff function and its derivative, eq. 2
  T *fa, *dfa;      // angular cutoff function

  static constexpr int arrays = 9;
  static std::size_t bytes(int neighbours) { return arrays * Workspace::bytes<T>(neighbours + 2 * blockWidth); }

  NeighbourTerms(Workspace& workspace, int neighbours) : count(neighbours) {
    T** const all[] = {&ux, &uy, &uz, &r, &inverse, &fr, &dfr, &fa, &dfa};
    for (T** array : all) *array = workspace.take<T>(neighbours + 2 * blockWidth);
  }

  void compute(const Descriptor<T>& d, const Center<T>& center) {
    const int padded = (count + blockWidth - 1) / blockWidth * blockWidth;
    for (int i = 0; i < padded; i += lanes<T>) {
      const Vec<T> distance = loadu(center.r + i);
      const Vec<T> reciprocal = T(1) / distance;
      store(r + i, distance);
      store(inverse + i, reciprocal);
      store(ux + i, loadu(center.dx + i) * reciprocal);
      store(uy + i, loadu(center.dy + i) * reciprocal);
      store(uz + i, loadu(center.dz + i) * reciprocal);
      Vec<T> f, df;
      cutoff<T>(d.smoothCutoff, distance, d.radialCutoff, T(0.25), f, df);
      store(fr + i, f);
      store(dfr + i, df);
      cutoff<T>(d.smoothCutoff, distance, d.angularCutoff, T(1), f, df);
      store(fa + i, f);
      store(dfa + i, df);
    }
    // A chunk of neighbours may start at the last one.
    T* const all[] = {ux, uy, uz, r, inverse, fr, dfr, fa, dfa};
    for (T* array : all)
      for (int i = 0; i < blockWidth; i += lanes<T>) store(array + padded + i, splat(T(1)));
  }
};

}  // namespace mlts::MLTS_ISA
