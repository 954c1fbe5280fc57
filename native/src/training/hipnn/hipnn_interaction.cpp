// The interaction layer's part of the passes: pairs to environments, environments to moments, moments to norms.
#include <algorithm>
#include <cmath>

#include "hipnn_network.hpp"
#include "products.hpp"

namespace mlts {
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

// Distances, unit vectors and A, or their tangents.
template <class T>
void HipnnNetwork<T>::findDirections(const T* tangents) {
  const int pairs = atoms_->pairs(), components = layout_.components;
  if (!tangents) {
    radius_.resize(pairs);
    unit_.resize(3 * static_cast<std::size_t>(pairs));
    a_.resize(static_cast<std::size_t>(pairs) * components);
    for (int p = 0; p < pairs; p++) {
      const T* const d = atoms_->vectors.data() + 3 * static_cast<std::size_t>(p);
      T* const n = unit_.data() + 3 * static_cast<std::size_t>(p);
      radius_[p] = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      for (int c = 0; c < 3; c++) n[c] = d[c] / radius_[p];
      directions(n, components, a_.data() + static_cast<std::size_t>(p) * components);
    }
    return;
  }
  radiusDot_.resize(pairs);
  aDot_.resize(static_cast<std::size_t>(pairs) * components);
  for (int p = 0; p < pairs; p++) {
    const T* const d = tangents + 3 * static_cast<std::size_t>(p);
    const T* const n = unit_.data() + 3 * static_cast<std::size_t>(p);
    const T along = n[0] * d[0] + n[1] * d[1] + n[2] * d[2];
    T turn[3];
    for (int c = 0; c < 3; c++) turn[c] = (d[c] - along * n[c]) / radius_[p];
    radiusDot_[p] = along;
    directionTangents(n, turn, components, aDot_.data() + static_cast<std::size_t>(p) * components);
  }
}

template <class T>
void HipnnNetwork<T>::findEnvironment(int b, bool tangent) {
  const HipnnBlockPlace& place = layout_.blocks[b];
  Block& block = blocks_[b];
  const int functions = layout_.sensitivities, components = layout_.components, inputs = place.inputs;
  const std::size_t row = static_cast<std::size_t>(functions) * inputs;
  const Array& z = z_[layerIndex(b, 0) - 1];
  Array& out = tangent ? block.environmentDot : block.environment;
  out.assign(n_ * components * row, T(0));
  if (!tangent) block.sensitivities.resize(static_cast<std::size_t>(atoms_->pairs()) * functions);
  for (int i = 0; i < n_; i++) {
    for (int p = atoms_->first[i]; p < atoms_->first[i + 1]; p++) {
      SensitivityValue<T>* const s = block.sensitivities.data() + static_cast<std::size_t>(p) * functions;
      if (!tangent) {
        const Taper<T> phi = taper(radius_[p], static_cast<T>(layout_.cutoff));
        for (int v = 0; v < functions; v++) s[v] = sensitivity(radius_[p], phi, at(place.mu)[v], at(place.sigma)[v]);
      }
      const std::size_t from = static_cast<std::size_t>(atoms_->neighbour[p]) * inputs;
      const T* const __restrict zj = z.data() + from;
      const T* const __restrict zdotj = tangent ? zdot_[layerIndex(b, 0) - 1].data() + from : nullptr;
      for (int c = 0; c < components; c++) {
        const T a = a_[static_cast<std::size_t>(p) * components + c];
        const T da = tangent ? aDot_[static_cast<std::size_t>(p) * components + c] : T(0);
        T* __restrict e = out.data() + (static_cast<std::size_t>(i) * components + c) * row;
        for (int v = 0; v < functions; v++, e += inputs) {
          const T q = a * s[v].value;
          if (tangent) {
            const T dq = da * s[v].value + a * s[v].slope * radiusDot_[p];
            for (int k = 0; k < inputs; k++) e[k] += dq * zj[k] + q * zdotj[k];
          } else {
            for (int k = 0; k < inputs; k++) e[k] += q * zj[k];
          }
        }
      }
    }
  }
}

template <class T>
void HipnnNetwork<T>::findMoments(int b, const Array& environment, Array& moments) const {
  const HipnnBlockPlace& place = layout_.blocks[b];
  const int f = layout_.features, functions = layout_.sensitivities, rows = n_ * layout_.components;
  moments.assign(static_cast<std::size_t>(rows) * f, T(0));
  // All V of a block, transposed one by one, are one matrix [sensitivities·inputs][features].
  addProduct(rows, functions * place.inputs, f, environment.data(), static_cast<std::size_t>(functions) * place.inputs,
             transposed_.data() + place.interaction, f, moments.data(), f);
}

template <class T>
void HipnnNetwork<T>::momentsBack(int b, const Array& moments, Array& environment) const {
  const HipnnBlockPlace& place = layout_.blocks[b];
  const int f = layout_.features, functions = layout_.sensitivities, rows = n_ * layout_.components;
  const std::size_t columns = static_cast<std::size_t>(functions) * place.inputs;
  environment.assign(rows * columns, T(0));
  for (int v = 0; v < functions; v++)
    addProduct(rows, f, place.inputs, moments.data(), f,
               at(place.interaction) + static_cast<std::size_t>(v) * f * place.inputs, place.inputs,
               environment.data() + static_cast<std::size_t>(v) * place.inputs, columns);
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

// ∂E/∂environment to ∂E/∂z of the neighbours and ∂E/∂D of the pairs.
template <class T>
void HipnnNetwork<T>::pairsBack(int b, Array& zeta, T* out) {
  const Block& block = blocks_[b];
  const int functions = layout_.sensitivities, components = layout_.components, inputs = layout_.blocks[b].inputs;
  const std::size_t row = static_cast<std::size_t>(functions) * inputs;
  const Array& z = z_[layerIndex(b, 0) - 1];
  for (int i = 0; i < n_; i++) {
    for (int p = atoms_->first[i]; p < atoms_->first[i + 1]; p++) {
      const SensitivityValue<T>* const s = block.sensitivities.data() + static_cast<std::size_t>(p) * functions;
      const std::size_t from = static_cast<std::size_t>(atoms_->neighbour[p]) * inputs;
      const T* const __restrict zj = z.data() + from;
      T* const __restrict own = zeta.data() + from;
      T byRadius = 0, byA[mostComponents] = {}, turn[3];
      for (int c = 0; c < components; c++) {
        const T a = a_[static_cast<std::size_t>(p) * components + c];
        const T* __restrict e = block.environmentGradient.data() + (static_cast<std::size_t>(i) * components + c) * row;
        for (int v = 0; v < functions; v++, e += inputs) {
          const T q = a * s[v].value;
          T h = 0;
          for (int k = 0; k < inputs; k++) {
            h += e[k] * zj[k];
            own[k] += q * e[k];
          }
          byRadius += a * h * s[v].slope;
          byA[c] += h * s[v].value;
        }
      }
      const T* const n = unit_.data() + 3 * static_cast<std::size_t>(p);
      directionGradient(n, byA, components, turn);
      const T along = turn[0] * n[0] + turn[1] * n[1] + turn[2] * n[2];
      for (int c = 0; c < 3; c++)
        out[3 * static_cast<std::size_t>(p) + c] += byRadius * n[c] + (turn[c] - along * n[c]) / radius_[p];
    }
  }
}

// The environments' adjoints to those of the neighbours' features and of μ and σ.
template <class T>
void HipnnNetwork<T>::pairsSecondBack(int b, const Array& environmentBar, bool tangent, Array& zbar,
                                      T* gradient) const {
  const HipnnBlockPlace& place = layout_.blocks[b];
  const Block& block = blocks_[b];
  const int functions = layout_.sensitivities, components = layout_.components, inputs = place.inputs;
  const std::size_t row = static_cast<std::size_t>(functions) * inputs;
  const int source = layerIndex(b, 0) - 1;
  for (int i = 0; i < n_; i++) {
    for (int p = atoms_->first[i]; p < atoms_->first[i + 1]; p++) {
      const SensitivityValue<T>* const s = block.sensitivities.data() + static_cast<std::size_t>(p) * functions;
      const std::size_t from = static_cast<std::size_t>(atoms_->neighbour[p]) * inputs;
      const T* const __restrict zj = z_[source].data() + from;
      const T* const __restrict zdotj = tangent ? zdot_[source].data() + from : nullptr;
      T* const __restrict own = zbar.data() + from;
      for (int c = 0; c < components; c++) {
        const T a = a_[static_cast<std::size_t>(p) * components + c];
        const T da = tangent ? aDot_[static_cast<std::size_t>(p) * components + c] : T(0);
        const std::size_t at = (static_cast<std::size_t>(i) * components + c) * row;
        for (int v = 0; v < functions; v++) {
          const T q = a * s[v].value;
          const T* const __restrict bar = environmentBar.data() + at + static_cast<std::size_t>(v) * inputs;
          T ofValue = 0, ofTangent = 0;
          if (tangent) {
            const T dq = da * s[v].value + a * s[v].slope * radiusDot_[p];
            const T* const __restrict e = block.environmentGradient.data() + at + static_cast<std::size_t>(v) * inputs;
            for (int k = 0; k < inputs; k++) {
              own[k] += q * bar[k] + dq * e[k];
              ofValue += bar[k] * zj[k] + e[k] * zdotj[k];
              ofTangent += e[k] * zj[k];
            }
          } else {
            for (int k = 0; k < inputs; k++) {
              own[k] += q * bar[k];
              ofValue += bar[k] * zj[k];
            }
          }
          const T value = a * ofValue + da * ofTangent;
          const T slope = tangent ? a * ofTangent * radiusDot_[p] : T(0);
          gradient[place.mu + v] += value * s[v].valueByMu + slope * s[v].slopeByMu;
          gradient[place.sigma + v] += value * s[v].valueBySigma + slope * s[v].slopeBySigma;
        }
      }
    }
  }
}

template class HipnnNetwork<float>;
template class HipnnNetwork<double>;

}  // namespace mlts
