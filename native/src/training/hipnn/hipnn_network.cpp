#include "hipnn_network.hpp"

#include <algorithm>
#include <cmath>

#include "products.hpp"

namespace mlts {

template <class T>
HipnnNetwork<T>::HipnnNetwork(const HipnnLayout& layout)
    : layout_(layout), layersPerBlock_(static_cast<int>(layout.blocks[0].base.size())), blocks_(layout.blocks.size()) {
  const std::size_t outputs = 1 + blocks_.size() * layersPerBlock_;
  for (auto* arrays : {&z_, &zdot_, &zeta_}) arrays->resize(outputs);
  for (Block& block : blocks_) block.layers.resize(layersPerBlock_);
}

template <class T>
void HipnnNetwork<T>::setParameters(const T* values) {
  values_ = values;
  transposed_.assign(layout_.size, T(0));
  const auto transpose = [&](std::size_t place, int rows, int columns) {
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < columns; c++)
        transposed_[place + static_cast<std::size_t>(c) * rows + r] =
            values[place + static_cast<std::size_t>(r) * columns + c];
  };
  const int f = layout_.features;
  for (const HipnnBlockPlace& block : layout_.blocks) {
    for (int v = 0; v < layout_.sensitivities; v++)
      transpose(block.interaction + static_cast<std::size_t>(v) * f * block.inputs, f, block.inputs);
    if (block.hasAdjust) transpose(block.adjust, f, block.inputs);
    for (const auto* layers : {&block.base, &block.residual})
      for (const AffinePlace& layer : *layers) transpose(layer.weights, layer.outputs, layer.inputs);
  }
}

// out += in Wᵀ (+ b)
template <class T>
void HipnnNetwork<T>::affine(const AffinePlace& place, const Array& in, bool withBias, Array& out) const {
  for (int i = 0; withBias && i < n_; i++)
    for (int o = 0; o < place.outputs; o++)
      out[static_cast<std::size_t>(i) * place.outputs + o] += values_[place.biases + o];
  addProduct(n_, place.inputs, place.outputs, in.data(), place.inputs, transposed_.data() + place.weights,
             place.outputs, out.data(), place.outputs);
}

// out += in W
template <class T>
void HipnnNetwork<T>::back(const AffinePlace& place, const Array& in, Array& out) const {
  addProduct(n_, place.outputs, place.inputs, in.data(), place.outputs, at(place.weights), place.inputs, out.data(),
             place.inputs);
}

template <class T>
void HipnnNetwork<T>::addWeights(const AffinePlace& place, const Array& out, const Array& in, T* gradient) const {
  addOuter(n_, place.outputs, place.inputs, out.data(), place.outputs, in.data(), place.inputs,
           gradient + place.weights, place.inputs);
}

template <class T>
void HipnnNetwork<T>::addBiases(const AffinePlace& place, const Array& out, T* gradient) const {
  for (int i = 0; i < n_; i++)
    for (int o = 0; o < place.outputs; o++)
      gradient[place.biases + o] += out[static_cast<std::size_t>(i) * place.outputs + o];
}

template <class T>
void HipnnNetwork<T>::skip(int block, bool isFirst, const Array& in, Array& out) const {
  const HipnnBlockPlace& place = layout_.blocks[block];
  const int f = layout_.features;
  if (isFirst && place.hasAdjust) {
    addProduct(n_, place.inputs, f, in.data(), place.inputs, transposed_.data() + place.adjust, f, out.data(), f);
  } else {
    for (std::size_t i = 0; i < out.size(); i++) out[i] += in[i];
  }
}

template <class T>
void HipnnNetwork<T>::skipBack(int block, bool isFirst, const Array& in, Array& out) const {
  const HipnnBlockPlace& place = layout_.blocks[block];
  const int f = layout_.features;
  if (isFirst && place.hasAdjust) {
    addProduct(n_, f, place.inputs, in.data(), f, at(place.adjust), place.inputs, out.data(), place.inputs);
  } else {
    for (std::size_t i = 0; i < out.size(); i++) out[i] += in[i];
  }
}

template <class T>
void HipnnNetwork<T>::forward(const HipnnAtoms<T>& atoms, T* energies) {
  atoms_ = &atoms;
  n_ = atoms.atoms();
  const int f = layout_.features;
  const std::size_t values = static_cast<std::size_t>(n_) * f;
  z_[0].assign(static_cast<std::size_t>(n_) * layout_.elements, T(0));
  for (int i = 0; i < n_; i++) z_[0][static_cast<std::size_t>(i) * layout_.elements + atoms.element[i]] = 1;
  findDirections(nullptr);
  std::fill_n(energies, n_, T(0));
  for (int b = 0; b < static_cast<int>(blocks_.size()); b++) {
    const HipnnBlockPlace& place = layout_.blocks[b];
    findEnvironment(b, false);
    for (int l = 0; l < layersPerBlock_; l++) {
      Layer& layer = blocks_[b].layers[l];
      const Array& in = z_[layerIndex(b, l) - 1];
      layer.t.assign(values, T(0));
      affine(place.base[l], in, true, layer.t);
      if (l == 0) {
        findMoments(b, blocks_[b].environment, blocks_[b].moments);
        addNorms(b, layer.t, nullptr);
      }
      layer.h.resize(values);
      layer.slope.resize(values);
      for (std::size_t i = 0; i < values; i++) {
        const T t = layer.t[i], small = std::exp(-std::fabs(t));  // no overflow
        layer.h[i] = std::max(t, T(0)) + std::log1p(small);
        layer.slope[i] = (t > 0 ? T(1) : small) / (1 + small);
      }
      Array& out = z_[layerIndex(b, l)];
      out.assign(values, T(0));
      skip(b, l == 0, in, out);
      affine(place.residual[l], layer.h, true, out);
    }
    const Array& out = z_[layerIndex(b, layersPerBlock_ - 1)];
    for (int i = 0; i < n_; i++) {
      T sum = *at(place.head.biases);
      for (int o = 0; o < f; o++) sum += at(place.head.weights)[o] * out[static_cast<std::size_t>(i) * f + o];
      energies[i] += static_cast<T>(layout_.energyScale) * sum;
    }
  }
}

template <class T>
void HipnnNetwork<T>::pairGradients(T* out) {
  const int f = layout_.features;
  const T scale = static_cast<T>(layout_.energyScale);
  const std::size_t values = static_cast<std::size_t>(n_) * f;
  std::fill_n(out, 3 * static_cast<std::size_t>(atoms_->pairs()), T(0));
  zeta_.back().assign(values, T(0));
  for (int b = static_cast<int>(blocks_.size()) - 1; b >= 0; b--) {
    const HipnnBlockPlace& place = layout_.blocks[b];
    Array& last = zeta_[layerIndex(b, layersPerBlock_ - 1)];
    for (std::size_t i = 0; i < values; i++) last[i] += scale * at(place.head.weights)[i % f];
    for (int l = layersPerBlock_ - 1; l >= 0; l--) {
      Layer& layer = blocks_[b].layers[l];
      const Array& own = zeta_[layerIndex(b, l)];
      layer.eta.assign(values, T(0));
      back(place.residual[l], own, layer.eta);
      layer.tau.resize(values);
      for (std::size_t i = 0; i < values; i++) layer.tau[i] = layer.slope[i] * layer.eta[i];
      Array& in = zeta_[layerIndex(b, l) - 1];
      in.assign(static_cast<std::size_t>(n_) * place.base[l].inputs, T(0));
      skipBack(b, l == 0, own, in);
      back(place.base[l], layer.tau, in);
      if (l > 0) continue;
      normsBack(b, layer.tau, false, blocks_[b].momentsGradient, nullptr);
      momentsBack(b, blocks_[b].momentsGradient, blocks_[b].environmentGradient);
      pairsBack(b, in, out);
    }
  }
}

template <class T>
void HipnnNetwork<T>::addGradient(const T* slopes, const T* tangents, T* gradient) {
  const bool tangent = tangents != nullptr;
  const int f = layout_.features, count = static_cast<int>(blocks_.size());
  const T scale = static_cast<T>(layout_.energyScale);
  const std::size_t values = static_cast<std::size_t>(n_) * f;
  if (tangent) {
    findDirections(tangents);
    zdot_[0].assign(z_[0].size(), T(0));
    for (int b = 0; b < count; b++) {
      const HipnnBlockPlace& place = layout_.blocks[b];
      findEnvironment(b, true);
      for (int l = 0; l < layersPerBlock_; l++) {
        Layer& layer = blocks_[b].layers[l];
        const Array& in = zdot_[layerIndex(b, l) - 1];
        layer.tdot.assign(values, T(0));
        affine(place.base[l], in, false, layer.tdot);
        if (l == 0) {
          findMoments(b, blocks_[b].environmentDot, blocks_[b].momentsDot);
          addNorms(b, layer.tdot, &layer.tdot);
        }
        layer.hdot.resize(values);
        for (std::size_t i = 0; i < values; i++) layer.hdot[i] = layer.slope[i] * layer.tdot[i];
        Array& out = zdot_[layerIndex(b, l)];
        out.assign(values, T(0));
        skip(b, l == 0, in, out);
        affine(place.residual[l], layer.hdot, false, out);
      }
    }
  }
  Array zbar(values, T(0)), tbar(values), momentsBar, environmentBar, next;
  for (int b = count - 1; b >= 0; b--) {
    const HipnnBlockPlace& place = layout_.blocks[b];
    const int lastIndex = layerIndex(b, layersPerBlock_ - 1);
    for (int i = 0; i < n_; i++) {
      gradient[place.head.biases] += scale * slopes[i];
      for (int o = 0; o < f; o++) {
        const std::size_t k = static_cast<std::size_t>(i) * f + o;
        gradient[place.head.weights + o] +=
            scale * (slopes[i] * z_[lastIndex][k] + (tangent ? zdot_[lastIndex][k] : T(0)));
        zbar[k] += scale * slopes[i] * at(place.head.weights)[o];
      }
    }
    for (int l = layersPerBlock_ - 1; l >= 0; l--) {
      const Layer& layer = blocks_[b].layers[l];
      const int index = layerIndex(b, l);
      const Array& in = z_[index - 1];
      tbar.assign(values, T(0));
      back(place.residual[l], zbar, tbar);
      for (std::size_t i = 0; i < values; i++) {
        tbar[i] *= layer.slope[i];
        if (tangent) tbar[i] += layer.slope[i] * (1 - layer.slope[i]) * layer.tdot[i] * layer.eta[i];
      }
      addBiases(place.residual[l], zbar, gradient);
      addBiases(place.base[l], tbar, gradient);
      addWeights(place.residual[l], zbar, layer.h, gradient);
      addWeights(place.base[l], tbar, in, gradient);
      const AffinePlace adjust{place.inputs, f, place.adjust, 0};
      const bool adjusted = l == 0 && place.hasAdjust;
      if (adjusted) addWeights(adjust, zbar, in, gradient);
      if (tangent) {
        addWeights(place.residual[l], zeta_[index], layer.hdot, gradient);
        addWeights(place.base[l], layer.tau, zdot_[index - 1], gradient);
        if (adjusted) addWeights(adjust, zeta_[index], zdot_[index - 1], gradient);
      }
      next.assign(static_cast<std::size_t>(n_) * place.base[l].inputs, T(0));
      skipBack(b, l == 0, zbar, next);
      back(place.base[l], tbar, next);
      if (l == 0) {
        normsBack(b, tbar, tangent, momentsBar, gradient);
        const std::size_t columns = static_cast<std::size_t>(layout_.sensitivities) * place.inputs;
        const std::size_t matrix = static_cast<std::size_t>(f) * place.inputs;
        const int rows = n_ * layout_.components;
        for (int v = 0; v < layout_.sensitivities; v++) {
          T* const own = gradient + place.interaction + v * matrix;
          addOuter(rows, f, place.inputs, momentsBar.data(), f,
                   blocks_[b].environment.data() + static_cast<std::size_t>(v) * place.inputs, columns, own,
                   place.inputs);
          if (tangent)
            addOuter(rows, f, place.inputs, blocks_[b].momentsGradient.data(), f,
                     blocks_[b].environmentDot.data() + static_cast<std::size_t>(v) * place.inputs, columns, own,
                     place.inputs);
        }
        momentsBack(b, momentsBar, environmentBar);
        pairsSecondBack(b, environmentBar, tangent, next, gradient);
      }
      zbar.swap(next);
    }
  }
}

template class HipnnNetwork<float>;
template class HipnnNetwork<double>;

}  // namespace mlts
