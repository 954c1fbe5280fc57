// The pairs' part of the passes: distances to sensitivities, sensitivities and neighbours' features to environments,
// and back. All pairs of one atom at once are products of small matrices: an environment [sensitivities][inputs] is Σ_p
// (a s)[p][sensitivities] z[p][inputs]. The first block's inputs say which element an atom is: sums by element take the
// products' place, and no derivative with respect to them is wanted.
#include <algorithm>
#include <cmath>

#include "hipnn_network.hpp"
#include "products.hpp"

namespace mlts::MLTS_ISA {

// Distances, unit vectors and A, or their tangents.
template <class T>
void HipnnNetwork<T>::findDirections(const T* tangents) {
  const int pairs = atoms_->pairs(), components = layout_.components;
  if (!tangents) {
    radius_.resize(pairs);
    taper_.resize(pairs);
    unit_.resize(3 * static_cast<std::size_t>(pairs));
    a_.resize(static_cast<std::size_t>(pairs) * components);
    for (int p = 0; p < pairs; p++) {
      const T* const d = atoms_->vectors.data() + 3 * static_cast<std::size_t>(p);
      T* const n = unit_.data() + 3 * static_cast<std::size_t>(p);
      radius_[p] = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      taper_[p] = taper(radius_[p], static_cast<T>(layout_.cutoff));
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

// s and ds/dr of every pair and sensitivity.
template <class T>
void HipnnNetwork<T>::findSensitivities(int b) {
  const HipnnBlockPlace& place = layout_.blocks[b];
  Block& block = blocks_[b];
  const std::size_t size = static_cast<std::size_t>(atoms_->pairs()) * stride_;
  block.value.resize(size);
  block.slope.resize(size);
  block.inverseMu.assign(stride_, T(1));
  block.sigma.assign(stride_, T(0));
  for (int v = 0; v < layout_.sensitivities; v++) block.inverseMu[v] = T(1) / at(place.mu)[v];
  std::copy_n(at(place.sigma), layout_.sensitivities, block.sigma.data());
  for (int p = 0; p < atoms_->pairs(); p++) {
    const T inverse = 1 / radius_[p], square = inverse * inverse;
    const Taper<T> phi = taper_[p];
    const std::size_t from = static_cast<std::size_t>(p) * stride_;
    for (int v = 0; v < stride_; v += lanes<T>) {
      const Vec<T> sigma = loadu(block.sigma.data() + v), u = inverse - loadu(block.inverseMu.data() + v);
      const Vec<T> x = sigma * u, gauss = exp<T>(T(-0.5) * x * x);
      storeu(block.value.data() + from + v, gauss * phi.value);
      storeu(block.slope.data() + from + v, gauss * (sigma * x * (square * phi.value) + phi.slope));
    }
  }
}

// Rows of features of the neighbours of atom i, one after the other.
template <class T>
void HipnnNetwork<T>::gather(int i, int inputs, const Array& z, Array& out) const {
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first;
  out.resize(static_cast<std::size_t>(count) * inputs);
  for (int q = 0; q < count; q++)
    copyRow(z.data() + static_cast<std::size_t>(atoms_->neighbour[first + q]) * inputs, inputs,
            out.data() + static_cast<std::size_t>(q) * inputs);
}

template <class T>
void HipnnNetwork<T>::scatter(int i, int inputs, const Array& rows, Array& zeta) const {
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first;
  for (int q = 0; q < count; q++)
    addRow(rows.data() + static_cast<std::size_t>(q) * inputs, inputs,
           zeta.data() + static_cast<std::size_t>(atoms_->neighbour[first + q]) * inputs);
}

// a s of the pairs of atom i for component c; with tangent also its tangent ȧ s + a s' ṙ, in weightDot_.
template <class T>
const T* HipnnNetwork<T>::weigh(int b, int i, int c, bool tangent) {
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first, components = layout_.components;
  const std::size_t size = static_cast<std::size_t>(count) * stride_, start = static_cast<std::size_t>(first) * stride_;
  const T* const value = blocks_[b].value.data() + start;
  const T* const slope = blocks_[b].slope.data() + start;
  // The scalar's a is 1, and its tangent 0.
  if (c == 0 && !tangent) return value;
  weight_.resize(size);
  if (tangent) weightDot_.resize(size);
  for (int q = 0; q < count; q++) {
    const std::size_t p = static_cast<std::size_t>(first) + q, from = q * static_cast<std::size_t>(stride_);
    const T a = a_[p * components + c];
    const T da = tangent ? aDot_[p * components + c] : T(0), along = tangent ? a * radiusDot_[p] : T(0);
    for (int v = 0; v < stride_; v += lanes<T>) {
      const Vec<T> s = loadu(value + from + v);
      if (c > 0) storeu(weight_.data() + from + v, a * s);
      if (tangent) storeu(weightDot_.data() + from + v, da * s + along * loadu(slope + from + v));
    }
  }
  return c > 0 ? weight_.data() : value;
}

// Σ of the rows of weights over the neighbours of each element: an environment of the first block.
template <class T>
void HipnnNetwork<T>::sumByElement(int i, const T* weights, T* environment) {
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first, inputs = layout_.elements;
  sums_.assign(static_cast<std::size_t>(inputs) * stride_, T(0));
  for (int q = 0; q < count; q++) {
    T* const to = sums_.data() + static_cast<std::size_t>(elementOf(first + q)) * stride_;
    const T* const from = weights + static_cast<std::size_t>(q) * stride_;
    for (int v = 0; v < stride_; v += lanes<T>) storeu(to + v, loadu(to + v) + loadu(from + v));
  }
  turnedSums_.resize(sums_.size());
  transpose(sums_.data(), inputs, stride_, turnedSums_.data(), inputs);
  copyRow(turnedSums_.data(), layout_.sensitivities * inputs, environment);
}

template <class T>
void HipnnNetwork<T>::findEnvironment(int b, bool tangent) {
  Block& block = blocks_[b];
  const int functions = layout_.sensitivities, components = layout_.components, inputs = layout_.blocks[b].inputs;
  const std::size_t row = static_cast<std::size_t>(functions) * inputs;
  Array& out = tangent ? block.environmentDot : block.environment;
  out.resize(n_ * components * row);
  if (!tangent) findSensitivities(b);
  for (int i = 0; i < n_; i++) {
    const int count = atoms_->first[i + 1] - atoms_->first[i];
    if (b > 0) gather(i, inputs, z_[layerIndex(b, 0) - 1], zNear_);
    if (b > 0 && tangent) gather(i, inputs, zdot_[layerIndex(b, 0) - 1], zdotNear_);
    for (int c = 0; c < components; c++) {
      T* const e = out.data() + (static_cast<std::size_t>(i) * components + c) * row;
      const T* const straight = weigh(b, i, c, tangent);
      const T* const weights = tangent ? weightDot_.data() : straight;
      if (b == 0) {
        sumByElement(i, weights, e);
        continue;
      }
      outerProduct<Into::fresh>(count, functions, inputs, weights, stride_, zNear_.data(), inputs, e, inputs);
      if (tangent) outerProduct(count, functions, inputs, straight, stride_, zdotNear_.data(), inputs, e, inputs);
    }
  }
}

// Of the pairs of atom i: environment · z, a row of sensitivities each.
template <class T>
void HipnnNetwork<T>::alongFeatures(int b, int i, const T* environment, T* rows) {
  const int functions = layout_.sensitivities, inputs = layout_.blocks[b].inputs;
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first;
  turned_.resize(static_cast<std::size_t>(inputs) * stride_);
  transpose(environment, functions, inputs, turned_.data(), stride_);
  if (b > 0) {
    product<Into::fresh>(count, inputs, stride_, zNear_.data(), inputs, turned_.data(), stride_, rows, stride_);
    return;
  }
  for (int q = 0; q < count; q++)
    copyRow(turned_.data() + static_cast<std::size_t>(elementOf(first + q)) * stride_, stride_,
            rows + static_cast<std::size_t>(q) * stride_);
}

// ∂E/∂environment to ∂E/∂z of the neighbours and ∂E/∂D of the pairs.
template <class T>
void HipnnNetwork<T>::pairsBack(int b, Array& zeta, T* out) {
  Block& block = blocks_[b];
  const int functions = layout_.sensitivities, components = layout_.components, inputs = layout_.blocks[b].inputs;
  const std::size_t row = static_cast<std::size_t>(functions) * inputs;
  block.products.resize(static_cast<std::size_t>(atoms_->pairs()) * components * stride_);
  for (int i = 0; i < n_; i++) {
    const int first = atoms_->first[i], count = atoms_->first[i + 1] - first;
    if (b > 0) gather(i, inputs, z_[layerIndex(b, 0) - 1], zNear_);
    back_.assign(zNear_.size(), T(0));
    byRadius_.assign(count, T(0));
    byA_.assign(static_cast<std::size_t>(count) * mostComponents, T(0));
    for (int c = 0; c < components; c++) {
      const T* const e = block.environmentGradient.data() + (static_cast<std::size_t>(i) * components + c) * row;
      if (b > 0) {
        product(count, functions, inputs, weigh(b, i, c, false), stride_, e, inputs, back_.data(), inputs);
      }
      T* const products = block.products.data() + (static_cast<std::size_t>(first) * components + count * c) * stride_;
      alongFeatures(b, i, e, products);
      for (int q = 0; q < count; q++) {
        const T* const h = products + static_cast<std::size_t>(q) * stride_;
        const std::size_t p = static_cast<std::size_t>(first) + q, from = p * stride_;
        byRadius_[q] += a_[p * components + c] * inner(h, block.slope.data() + from, stride_);
        if (c > 0)
          byA_[static_cast<std::size_t>(q) * mostComponents + c] = inner(h, block.value.data() + from, stride_);
      }
    }
    if (b > 0) scatter(i, inputs, back_, zeta);
    for (int q = 0; q < count; q++) {
      const std::size_t p = static_cast<std::size_t>(first) + q;
      const T* const n = unit_.data() + 3 * p;
      T turn[3];
      directionGradient(n, byA_.data() + static_cast<std::size_t>(q) * mostComponents, components, turn);
      const T along = turn[0] * n[0] + turn[1] * n[1] + turn[2] * n[2];
      for (int c = 0; c < 3; c++) out[3 * p + c] += byRadius_[q] * n[c] + (turn[c] - along * n[c]) / radius_[p];
    }
  }
}

// The environments' adjoints to those of the neighbours' features and of μ and σ.
template <class T>
void HipnnNetwork<T>::pairsSecondBack(int b, const Array& environmentBar, bool tangent, Array& zbar, T* gradient) {
  const Block& block = blocks_[b];
  const int functions = layout_.sensitivities, components = layout_.components, inputs = layout_.blocks[b].inputs;
  const std::size_t row = static_cast<std::size_t>(functions) * inputs;
  const int source = layerIndex(b, 0) - 1;
  byMu_.assign(stride_, T(0));
  bySigma_.assign(stride_, T(0));
  for (int i = 0; i < n_; i++) {
    const int first = atoms_->first[i], count = atoms_->first[i + 1] - first;
    if (b > 0) gather(i, inputs, z_[source], zNear_);
    if (b > 0 && tangent) gather(i, inputs, zdot_[source], zdotNear_);
    back_.assign(zNear_.size(), T(0));
    const std::size_t size = static_cast<std::size_t>(count) * stride_;
    ofValue_.resize(size);
    barValue_.resize(size);
    barSlope_.resize(size);
    for (int c = 0; c < components; c++) {
      const std::size_t place = (static_cast<std::size_t>(i) * components + c) * row;
      const T* const bar = environmentBar.data() + place;
      const T* const e = tangent ? block.environmentGradient.data() + place : nullptr;
      if (b > 0) {
        product(count, functions, inputs, weigh(b, i, c, tangent), stride_, bar, inputs, back_.data(), inputs);
        if (tangent) product(count, functions, inputs, weightDot_.data(), stride_, e, inputs, back_.data(), inputs);
      }
      alongFeatures(b, i, bar, ofValue_.data());
      if (b > 0 && tangent) {
        transpose(e, functions, inputs, turned_.data(), stride_);
        product(count, inputs, stride_, zdotNear_.data(), inputs, turned_.data(), stride_, ofValue_.data(), stride_);
      }
      const T* const products =
          tangent ? block.products.data() + (static_cast<std::size_t>(first) * components + count * c) * stride_
                  : nullptr;
      addPairBars(i, c, products);
    }
    if (b > 0) scatter(i, inputs, back_, zbar);
    addParameterBars(b, i, tangent);
  }
  const HipnnBlockPlace& place = layout_.blocks[b];
  for (int v = 0; v < functions; v++) {
    gradient[place.mu + v] += byMu_[v];
    gradient[place.sigma + v] += bySigma_[v];
  }
}

// Adjoints of s and of ds/dr, component by component. products: ∂E/∂(a s), or null where there is no tangent.
template <class T>
void HipnnNetwork<T>::addPairBars(int i, int c, const T* products) {
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first, components = layout_.components;
  for (int q = 0; q < count; q++) {
    const std::size_t p = static_cast<std::size_t>(first) + q, from = q * static_cast<std::size_t>(stride_);
    const T a = a_[p * components + c];
    const T da = products ? aDot_[p * components + c] : T(0), along = products ? a * radiusDot_[p] : T(0);
    for (int v = 0; v < stride_; v += lanes<T>) {
      Vec<T> value = a * loadu(ofValue_.data() + from + v);
      if (products) {
        const Vec<T> h = loadu(products + from + v);
        value += da * h;
        storeu(barSlope_.data() + from + v, c > 0 ? loadu(barSlope_.data() + from + v) + along * h : along * h);
      }
      storeu(barValue_.data() + from + v, c > 0 ? loadu(barValue_.data() + from + v) + value : value);
    }
  }
}

// Adjoints of s and ds/dr to those of μ and σ.
template <class T>
void HipnnNetwork<T>::addParameterBars(int b, int i, bool tangent) {
  const Block& block = blocks_[b];
  const int first = atoms_->first[i], count = atoms_->first[i + 1] - first;
  for (int q = 0; q < count; q++) {
    const std::size_t p = static_cast<std::size_t>(first) + q, from = q * static_cast<std::size_t>(stride_);
    const T inverse = 1 / radius_[p], square = inverse * inverse;
    for (int v = 0; v < stride_; v += lanes<T>) {
      const Vec<T> sigma = loadu(block.sigma.data() + v), inverseMu = loadu(block.inverseMu.data() + v);
      const Vec<T> value = loadu(block.value.data() + p * stride_ + v), x = sigma * (inverse - inverseMu);
      const Vec<T> bar = loadu(barValue_.data() + from + v);
      // Of 1/μ, and of σ but for u.
      Vec<T> byInverse = bar * sigma * x * value, byWidth = -(bar * x * value);
      if (tangent) {
        const Vec<T> slope = loadu(block.slope.data() + p * stride_ + v), steep = square * value;
        const Vec<T> barSlope = loadu(barSlope_.data() + from + v);
        byInverse += barSlope * sigma * (x * slope - sigma * steep);
        byWidth += barSlope * (T(2) * sigma * steep - x * slope);
      }
      storeu(byMu_.data() + v, loadu(byMu_.data() + v) - byInverse * inverseMu * inverseMu);  // d(1/μ)/dμ = −1/μ²
      storeu(bySigma_.data() + v, loadu(bySigma_.data() + v) + byWidth * (inverse - inverseMu));
    }
  }
}

template class HipnnNetwork<float>;
template class HipnnNetwork<double>;

}  // namespace mlts::MLTS_ISA
