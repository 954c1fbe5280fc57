// The interaction layer's part of the passes: environments to moments, moments to norms.
#include <algorithm>
#include <cmath>

#include "hipnn_network.hpp"
#include "products.hpp"

namespace mlts::MLTS_ISA {
namespace {

// The gradient of half the quadratic form N of one tensor's components: of a vector Σc², of a traceless symmetric
// matrix (xx, xy, xz, yy, yz) 2(Σc² + xx·yy).
template <class T>
void halfGradient(const T* m, std::size_t stride, bool matrix, T* out) {
  const auto c = [&](int k) { return m[k * stride]; };
  if (!matrix) {
    for (int k = 0; k < 3; k++) out[k] = c(k);
    return;
  }
  out[0] = 2 * c(0) + c(3);
  out[1] = 2 * c(1);
  out[2] = 2 * c(2);
  out[3] = 2 * c(3) + c(0);
  out[4] = 2 * c(4);
}

template <class T>
T dot(const T* a, const T* b, std::size_t strideB, int count) {
  T sum = 0;
  for (int k = 0; k < count; k++) sum += a[k] * b[k * strideB];
  return sum;
}

struct Tensor {
  int first, count;  // components
  std::size_t scales;
};

int tensorsOf(const HipnnLayout& layout, int block, Tensor* out) {
  if (layout.order >= 1) out[0] = {1, 3, layout.blocks[block].vectorScales};
  if (layout.order >= 2) out[1] = {4, 5, layout.blocks[block].quadraticScales};
  return layout.order;
}

}  // namespace

template <class T>
void HipnnNetwork<T>::findMoments(int b, const Array& environment, Array& moments) const {
  const HipnnBlockPlace& place = layout_.blocks[b];
  const int f = layout_.features, functions = layout_.sensitivities, rows = n_ * layout_.components;
  moments.resize(static_cast<std::size_t>(rows) * f);
  // All V of a block, transposed one by one, are one matrix [sensitivities·inputs][features].
  product<Into::fresh>(rows, functions * place.inputs, f, environment.data(),
                       static_cast<std::size_t>(functions) * place.inputs, transposed_.data() + place.interaction, f,
                       moments.data(), f);
}

template <class T>
void HipnnNetwork<T>::momentsBack(int b, const Array& moments, Array& environment) const {
  const HipnnBlockPlace& place = layout_.blocks[b];
  const int f = layout_.features, functions = layout_.sensitivities, rows = n_ * layout_.components;
  const std::size_t columns = static_cast<std::size_t>(functions) * place.inputs;
  environment.resize(rows * columns);
  product<Into::fresh>(rows, f, static_cast<int>(columns), moments.data(), f, fused_[b].data(), columns,
                       environment.data(), columns);
}

// ∂S/∂V from the adjoint of the moments and the environment, or from the tangent's.
template <class T>
void HipnnNetwork<T>::addInteraction(int b, const Array& momentsBar, const Array& environment, T* gradient) {
  const HipnnBlockPlace& place = layout_.blocks[b];
  const int f = layout_.features, functions = layout_.sensitivities, rows = n_ * layout_.components;
  const std::size_t columns = static_cast<std::size_t>(functions) * place.inputs;
  outer_.resize(f * columns);
  outerProduct<Into::fresh>(rows, f, static_cast<int>(columns), momentsBar.data(), f, environment.data(), columns,
                            outer_.data(), columns);
  for (int v = 0; v < functions; v++)
    for (int o = 0; o < f; o++)
      for (int k = 0; k < place.inputs; k++)
        gradient[place.interaction + (static_cast<std::size_t>(v) * f + o) * place.inputs + k] +=
            outer_[o * columns + static_cast<std::size_t>(v) * place.inputs + k];
}

// t += M⁰ + Σ scale·√(N + ε), or with tdot the tangent of that.
template <class T>
void HipnnNetwork<T>::addNorms(int b, Array& t, Array* tdot) const {
  const Block& block = blocks_[b];
  const std::size_t f = layout_.features, row = f * layout_.components;
  Tensor tensors[2];
  const int count = tensorsOf(layout_, b, tensors);
  for (int i = 0; i < n_; i++) {
    const T* const m = block.moments.data() + i * row;
    const T* const mdot = tdot ? block.momentsDot.data() + i * row : nullptr;
    for (std::size_t o = 0; o < f; o++) {
      T& out = tdot ? (*tdot)[i * f + o] : t[i * f + o];
      out += tdot ? mdot[o] : m[o];
      for (int k = 0; k < count; k++) {
        const Tensor& tensor = tensors[k];
        T half[5];
        halfGradient(m + tensor.first * f + o, f, tensor.count == 5, half);
        const T norm = std::sqrt(dot(half, m + tensor.first * f + o, f, tensor.count) + static_cast<T>(layout_.cusp));
        out += at(tensor.scales)[o] * (tdot ? dot(half, mdot + tensor.first * f + o, f, tensor.count) / norm : norm);
      }
    }
  }
}

// With a gradient: from t̄ (and ∂E/∂t where there is a tangent) to M̄ and the scales; without: from ∂E/∂t to ∂E/∂M.
template <class T>
void HipnnNetwork<T>::normsBack(int b, const Array& tbar, bool tangent, Array& momentsBar, T* gradient) {
  const Block& block = blocks_[b];
  const std::size_t f = layout_.features, row = f * layout_.components;
  momentsBar.assign(n_ * row, T(0));
  Tensor tensors[2];
  const int count = tensorsOf(layout_, b, tensors);
  for (int i = 0; i < n_; i++) {
    const T* const m = block.moments.data() + i * row;
    const T* const mdot = tangent ? block.momentsDot.data() + i * row : nullptr;
    T* const out = momentsBar.data() + i * row;
    for (std::size_t o = 0; o < f; o++) {
      const T bar = tbar[i * f + o];
      out[o] = bar;
      for (int k = 0; k < count; k++) {
        const Tensor& tensor = tensors[k];
        const T scale = at(tensor.scales)[o];
        T half[5], halfDot[5];
        halfGradient(m + tensor.first * f + o, f, tensor.count == 5, half);
        const T norm = std::sqrt(dot(half, m + tensor.first * f + o, f, tensor.count) + static_cast<T>(layout_.cusp));
        T straight = scale * bar / norm, turned = 0, byScale = bar * norm;
        if (tangent) {
          const T tau = block.layers[0].tau[i * f + o];
          const T normDot = dot(half, mdot + tensor.first * f + o, f, tensor.count) / norm;
          halfGradient(mdot + tensor.first * f + o, f, tensor.count == 5, halfDot);
          turned = scale * tau / norm;
          straight -= turned * normDot / norm;
          byScale += tau * normDot;
        }
        for (int c = 0; c < tensor.count; c++)
          out[(tensor.first + c) * f + o] = straight * half[c] + (tangent ? turned * halfDot[c] : T(0));
        if (gradient) gradient[tensor.scales + o] += byScale;
      }
    }
  }
}

template class HipnnNetwork<float>;
template class HipnnNetwork<double>;

}  // namespace mlts::MLTS_ISA
