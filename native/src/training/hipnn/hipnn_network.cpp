#include "hipnn_network.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "products.hpp"

namespace mlts::MLTS_ISA {

namespace {

template <class T>
MLTS_INLINE void softplus(Vec<T> t, T* h, T* slope) {
  const Vec<T> small = exp<T>(min(t, -t));  // no overflow
  storeu(h, max(t, Vec<T>{}) + log(1 + small));
  storeu(slope, (t > 0 ? Vec<T>{} + 1 : small) / (1 + small));
}

// h = ln(1 + eᵗ) and its derivative.
template <class T>
void softplus(const T* t, std::size_t count, T* h, T* slope) {
  std::size_t i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) softplus<T>(loadu(t + i), h + i, slope + i);
  if (i == count) return;
  T rest[3][lanes<T>] = {};
  std::copy_n(t + i, count - i, rest[0]);
  softplus<T>(loadu(rest[0]), rest[1], rest[2]);
  std::copy_n(rest[1], count - i, h + i);
  std::copy_n(rest[2], count - i, slope + i);
}

}  // namespace

template <class T>
HipnnNetwork<T>::HipnnNetwork(const HipnnLayout& layout)
    : layout_(layout),
      layersPerBlock_(static_cast<int>(layout.blocks[0].base.size())),
      fused_(layout.blocks.size()),
      stride_((layout.sensitivities + lanes<T> - 1) / lanes<T> * lanes<T>),
      blocks_(layout.blocks.size()) {
  const std::size_t outputs = 1 + blocks_.size() * layersPerBlock_;
  for (auto* arrays : {&z_, &zdot_, &zeta_}) arrays->resize(outputs);
  for (Block& block : blocks_) block.layers.resize(layersPerBlock_);
}

template <class T>
void HipnnNetwork<T>::setParameters(const T* values) {
  values_ = values;
  transposed_.assign(layout_.map.size, T(0));
  const auto transpose = [&](std::size_t place, int rows, int columns) {
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < columns; c++)
        transposed_[place + static_cast<std::size_t>(c) * rows + r] =
            values[place + static_cast<std::size_t>(r) * columns + c];
  };
  const int f = layout_.features;
  for (std::size_t b = 0; b < blocks_.size(); b++) {
    const HipnnBlockPlace& block = layout_.blocks[b];
    fused_[b].resize(static_cast<std::size_t>(layout_.sensitivities) * f * block.inputs);
    for (int v = 0; v < layout_.sensitivities; v++)
      for (int o = 0; o < f; o++)
        for (int k = 0; k < block.inputs; k++)
          fused_[b][(static_cast<std::size_t>(o) * layout_.sensitivities + v) * block.inputs + k] =
              values[block.interaction + (static_cast<std::size_t>(v) * f + o) * block.inputs + k];
    for (int v = 0; v < layout_.sensitivities; v++)
      transpose(block.interaction + static_cast<std::size_t>(v) * f * block.inputs, f, block.inputs);
    if (block.hasAdjust) transpose(block.adjust, f, block.inputs);
    for (const auto* layers : {&block.base, &block.residual})
      for (const AffinePlace& layer : *layers) transpose(layer.weights, layer.outputs, layer.inputs);
  }
}

// out (+)= in Wᵀ (+ b)
template <class T>
template <Into into>
void HipnnNetwork<T>::affine(const AffinePlace& place, const Array& in, bool withBias, Array& out) const {
  const auto multiply = [&](auto how) {
    product<decltype(how)::value>(n_, place.inputs, place.outputs, in.data(), place.inputs,
                                  transposed_.data() + place.weights, place.outputs, out.data(), place.outputs);
  };
  out.resize(static_cast<std::size_t>(n_) * place.outputs);
  for (int i = 0; withBias && i < n_; i++) {
    T* const row = out.data() + static_cast<std::size_t>(i) * place.outputs;
    if (into == Into::sum)
      addRow(at(place.biases), place.outputs, row);
    else
      copyRow(at(place.biases), place.outputs, row);
  }
  if (into == Into::sum || withBias)
    multiply(std::integral_constant<Into, Into::sum>{});
  else
    multiply(std::integral_constant<Into, Into::fresh>{});
}

// out (+)= in W
template <class T>
template <Into into>
void HipnnNetwork<T>::back(const AffinePlace& place, const Array& in, Array& out) const {
  out.resize(static_cast<std::size_t>(n_) * place.inputs);
  product<into>(n_, place.outputs, place.inputs, in.data(), place.outputs, at(place.weights), place.inputs, out.data(),
                place.inputs);
}

template <class T>
void HipnnNetwork<T>::addWeights(const AffinePlace& place, const Array& out, const Array& in, T* gradient) const {
  outerProduct(n_, place.outputs, place.inputs, out.data(), place.outputs, in.data(), place.inputs,
               gradient + place.weights, place.inputs);
}

template <class T>
void HipnnNetwork<T>::addBiases(const AffinePlace& place, const Array& out, T* gradient) const {
  for (int i = 0; i < n_; i++)
    addRow(out.data() + static_cast<std::size_t>(i) * place.outputs, place.outputs, gradient + place.biases);
}

// out = skip(in): what a layer adds its own to.
template <class T>
void HipnnNetwork<T>::skip(int block, bool isFirst, const Array& in, Array& out) const {
  const HipnnBlockPlace& place = layout_.blocks[block];
  const int f = layout_.features;
  if (!isFirst || !place.hasAdjust) return void(out = in);
  out.resize(static_cast<std::size_t>(n_) * f);
  product<Into::fresh>(n_, place.inputs, f, in.data(), place.inputs, transposed_.data() + place.adjust, f, out.data(),
                       f);
}

template <class T>
void HipnnNetwork<T>::skipBack(int block, bool isFirst, const Array& in, Array& out) const {
  const HipnnBlockPlace& place = layout_.blocks[block];
  const int f = layout_.features;
  if (!isFirst || !place.hasAdjust) return void(out = in);
  out.resize(static_cast<std::size_t>(n_) * place.inputs);
  product<Into::fresh>(n_, f, place.inputs, in.data(), f, at(place.adjust), place.inputs, out.data(), place.inputs);
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
  for (int b = 0; b < static_cast<int>(blocks_.size()); b++) {
    const HipnnBlockPlace& place = layout_.blocks[b];
    findEnvironment(b, false);
    for (int l = 0; l < layersPerBlock_; l++) {
      Layer& layer = blocks_[b].layers[l];
      const Array& in = z_[layerIndex(b, l) - 1];
      affine<Into::fresh>(place.base[l], in, true, layer.t);
      if (l == 0) {
        findMoments(b, blocks_[b].environment, blocks_[b].moments);
        addNorms(b, layer.t, nullptr);
      }
      layer.h.resize(values);
      layer.slope.resize(values);
      softplus(layer.t.data(), values, layer.h.data(), layer.slope.data());
      Array& out = z_[layerIndex(b, l)];
      skip(b, l == 0, in, out);
      affine<Into::sum>(place.residual[l], layer.h, true, out);
    }
    const Array& out = z_[layerIndex(b, layersPerBlock_ - 1)];
    for (int i = 0; i < n_; i++) {
      T sum = *at(place.head.biases);
      for (int o = 0; o < f; o++) sum += at(place.head.weights)[o] * out[static_cast<std::size_t>(i) * f + o];
      energies[static_cast<std::size_t>(b) * n_ + i] = static_cast<T>(layout_.energyScale) * sum;
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
      back<Into::fresh>(place.residual[l], own, layer.eta);
      layer.tau.resize(values);
      for (std::size_t i = 0; i < values; i++) layer.tau[i] = layer.slope[i] * layer.eta[i];
      Array& in = zeta_[layerIndex(b, l) - 1];
      if (b > 0 || l > 0) {
        skipBack(b, l == 0, own, in);
        back<Into::sum>(place.base[l], layer.tau, in);
      }
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
    for (int b = 0; b < count; b++) {
      const HipnnBlockPlace& place = layout_.blocks[b];
      findEnvironment(b, true);
      for (int l = 0; l < layersPerBlock_; l++) {
        Layer& layer = blocks_[b].layers[l];
        const Array& in = zdot_[layerIndex(b, l) - 1];
        if (b == 0 && l == 0)
          layer.tdot.assign(values, T(0));
        else
          affine<Into::fresh>(place.base[l], in, false, layer.tdot);
        if (l == 0) {
          findMoments(b, blocks_[b].environmentDot, blocks_[b].momentsDot);
          addNorms(b, layer.tdot, &layer.tdot);
        }
        layer.hdot.resize(values);
        for (std::size_t i = 0; i < values; i++) layer.hdot[i] = layer.slope[i] * layer.tdot[i];
        Array& out = zdot_[layerIndex(b, l)];
        if (b == 0 && l == 0)
          out.assign(values, T(0));
        else
          skip(b, l == 0, in, out);
        affine<Into::sum>(place.residual[l], layer.hdot, false, out);
      }
    }
  }
  Array zbar(values, T(0)), tbar(values), momentsBar, environmentBar, next;
  for (int b = count - 1; b >= 0; b--) {
    const HipnnBlockPlace& place = layout_.blocks[b];
    const int lastIndex = layerIndex(b, layersPerBlock_ - 1);
    const T* const a = slopes + static_cast<std::size_t>(b) * n_;
    for (int i = 0; i < n_; i++) {
      gradient[place.head.biases] += scale * a[i];
      for (int o = 0; o < f; o++) {
        const std::size_t k = static_cast<std::size_t>(i) * f + o;
        gradient[place.head.weights + o] += scale * (a[i] * z_[lastIndex][k] + (tangent ? zdot_[lastIndex][k] : T(0)));
        zbar[k] += scale * a[i] * at(place.head.weights)[o];
      }
    }
    for (int l = layersPerBlock_ - 1; l >= 0; l--) {
      const Layer& layer = blocks_[b].layers[l];
      const int index = layerIndex(b, l);
      const Array& in = z_[index - 1];
      back<Into::fresh>(place.residual[l], zbar, tbar);
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
        if (b > 0 || l > 0) addWeights(place.base[l], layer.tau, zdot_[index - 1], gradient);
        if (b > 0 && adjusted) addWeights(adjust, zeta_[index], zdot_[index - 1], gradient);
      }
      if (b > 0 || l > 0) {
        skipBack(b, l == 0, zbar, next);
        back<Into::sum>(place.base[l], tbar, next);
      }
      if (l == 0) {
        normsBack(b, tbar, tangent, momentsBar, gradient);
        addInteraction(b, momentsBar, blocks_[b].environment, gradient);
        if (tangent) addInteraction(b, blocks_[b].momentsGradient, blocks_[b].environmentDot, gradient);
        momentsBack(b, momentsBar, environmentBar);
        pairsSecondBack(b, environmentBar, tangent, next, gradient);
      }
      zbar.swap(next);
    }
  }
}

void makeHipnnPass(const HipnnLayout& layout, std::unique_ptr<HipnnPass<float>>& out) {
  out.reset(new HipnnNetwork<float>(layout));
}

void makeHipnnPass(const HipnnLayout& layout, std::unique_ptr<HipnnPass<double>>& out) {
  out.reset(new HipnnNetwork<double>(layout));
}

template class HipnnNetwork<float>;
template class HipnnNetwork<double>;

}  // namespace mlts::MLTS_ISA
