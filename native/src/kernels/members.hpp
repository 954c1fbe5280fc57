// Eight members side by side: one register, or two or four of them.
#pragma once

#include "../simd/simd.hpp"
#include "interface.hpp"

namespace mlts::MLTS_ISA {

template <class T>
struct Members {
  static constexpr int width = lanes<T> < memberLanes ? lanes<T> : memberLanes;
  static constexpr int count = memberLanes / width;
  using V = typename VectorType<T, width>::type;
  V v[count];
};

template <class T>
MLTS_INLINE Members<T> loadMembers(const T* p) {
  Members<T> m;
  for (int i = 0; i < m.count; i++) __builtin_memcpy(&m.v[i], p + i * m.width, sizeof m.v[i]);
  return m;
}
template <class T>
MLTS_INLINE void storeMembers(T* p, const Members<T>& m) {
  for (int i = 0; i < m.count; i++) __builtin_memcpy(p + i * m.width, &m.v[i], sizeof m.v[i]);
}
template <class T>
MLTS_INLINE Members<T> spreadMembers(T x) {
  Members<T> m;
  for (int i = 0; i < m.count; i++) m.v[i] = typename Members<T>::V{} + x;
  return m;
}
template <class T>
MLTS_INLINE Members<T> operator+(Members<T> a, const Members<T>& b) {
  for (int i = 0; i < a.count; i++) a.v[i] += b.v[i];
  return a;
}
template <class T>
MLTS_INLINE Members<T> operator-(Members<T> a, const Members<T>& b) {
  for (int i = 0; i < a.count; i++) a.v[i] -= b.v[i];
  return a;
}
template <class T>
MLTS_INLINE Members<T> operator*(Members<T> a, T b) {
  for (int i = 0; i < a.count; i++) a.v[i] *= b;
  return a;
}
template <class T>
MLTS_INLINE T sumMembers(const Members<T>& m) {
  T s = 0;
  for (int i = 0; i < m.count; i++)
    for (int k = 0; k < m.width; k++) s += m.v[i][k];
  return s;
}

}  // namespace mlts::MLTS_ISA
