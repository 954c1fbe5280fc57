// The taper of the sensitivity functions s(r) = exp[−½σ²(1/r − 1/μ)²]·cos²(πr/2R) (doi:10.1063/1.5011181, eq. 7), and
// the directions of the tensor environments (doi:10.1063/5.0142127).
#pragma once

#include <cmath>

namespace mlts::MLTS_ISA {

template <class T>
struct Taper {
  T value, slope;  // φ, φ'
};

template <class T>
Taper<T> taper(T r, T cutoff) {
  if (r >= cutoff) return {0, 0};
  const T k = T(3.14159265358979323846) / (2 * cutoff), c = std::cos(k * r), s = std::sin(k * r);
  return {c * c, -2 * k * c * s};
}

constexpr int mostComponents = 9;

// A of the unit vector n: 1; n; nₓ²−⅓, nₓn_y, nₓn_z, n_y²−⅓, n_yn_z.
template <class T>
void directions(const T* n, int components, T* a) {
  a[0] = 1;
  if (components >= 4)
    for (int c = 0; c < 3; c++) a[1 + c] = n[c];
  if (components < 9) return;
  a[4] = n[0] * n[0] - T(1) / 3;
  a[5] = n[0] * n[1];
  a[6] = n[0] * n[2];
  a[7] = n[1] * n[1] - T(1) / 3;
  a[8] = n[1] * n[2];
}

// Ȧ for ṅ.
template <class T>
void directionTangents(const T* n, const T* dn, int components, T* a) {
  a[0] = 0;
  if (components >= 4)
    for (int c = 0; c < 3; c++) a[1 + c] = dn[c];
  if (components < 9) return;
  a[4] = 2 * n[0] * dn[0];
  a[5] = n[0] * dn[1] + dn[0] * n[1];
  a[6] = n[0] * dn[2] + dn[0] * n[2];
  a[7] = 2 * n[1] * dn[1];
  a[8] = n[1] * dn[2] + dn[1] * n[2];
}

// Σ g_c ∂A_c/∂n.
template <class T>
void directionGradient(const T* n, const T* g, int components, T* out) {
  for (int c = 0; c < 3; c++) out[c] = components >= 4 ? g[1 + c] : T(0);
  if (components < 9) return;
  out[0] += 2 * n[0] * g[4] + n[1] * g[5] + n[2] * g[6];
  out[1] += n[0] * g[5] + 2 * n[1] * g[7] + n[2] * g[8];
  out[2] += n[0] * g[6] + n[1] * g[8];
}

}  // namespace mlts::MLTS_ISA
