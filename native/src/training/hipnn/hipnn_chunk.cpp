#include "hipnn_chunk.hpp"

#include <algorithm>

namespace mlts {

template <class T>
void HipnnChunk<T>::build(std::vector<const StoredFrame<T>*> frames) {
  frames_ = std::move(frames);
  atoms_.element.clear();
  atoms_.first.assign(1, 0);
  atoms_.neighbour.clear();
  atoms_.vectors.clear();
  firstAtom_.assign(1, 0);
  for (const StoredFrame<T>* frame : frames_) {
    const int first = firstAtom_.back();
    place_.resize(frame->centers());
    for (int k = 0; k < frame->centers(); k++) place_[frame->self[k]] = k;
    for (int k = 0; k < frame->centers(); k++) {
      atoms_.element.push_back(frame->element[k]);
      const std::size_t begin = frame->first[k], count = frame->first[k + 1] - begin;
      const T* const x = frame->vectors.data() + 3 * begin;
      for (std::size_t i = 0; i < count; i++) {
        atoms_.neighbour.push_back(first + place_[frame->neighbour[begin + i]]);
        for (int c = 0; c < 3; c++) atoms_.vectors.push_back(x[c * count + i]);
      }
      atoms_.first.push_back(atoms_.pairs());
    }
    firstAtom_.push_back(atoms_.atoms());
  }
  energies_.resize(blocks_ * atoms_.atoms());
  slopes_.resize(blocks_ * atoms_.atoms());
  pairGradients_.resize(atoms_.vectors.size());
  tangents_.resize(atoms_.vectors.size());
}

template <class T>
void HipnnChunk<T>::run(const T* values, T* gradient, int member, bool withForces, FrameSink& sink) {
  network_->setParameters(values);
  network_->forward(atoms_, energies_.data());
  if (withForces) network_->pairGradients(pairGradients_.data());
  moved_ = false;
  for (int f = 0; f < static_cast<int>(frames_.size()); f++) takeFrame(f, member, withForces, sink);
  if (gradient) network_->addGradient(slopes_.data(), moved_ ? tangents_.data() : nullptr, gradient);
}

// body(a, b, eⁿ, eⁿ⁻¹) of each atom and block: places of Eⁿ and Eⁿ⁻¹, the latter below 0 where it is a self energy.
template <class T>
template <class F>
void HipnnChunk<T>::forEachRatio(int first, int end, F body) const {
  const std::ptrdiff_t n = atoms_.atoms();
  for (int i = first; i < end; i++) {
    double before = selfEnergies_[atoms_.element[i]];
    for (std::ptrdiff_t b = 0; b < static_cast<std::ptrdiff_t>(blocks_); b++) {
      const double own = energies_[b * n + i];
      if (own != 0) body(b * n + i, (b - 1) * n + i, own, before);
      before = own;
    }
  }
}

// Σ_i R_i, R_i = Σ_n (Eⁿ)² / ((Eⁿ)² + (Eⁿ⁻¹)²), E⁰ the self energy.
template <class T>
double HipnnChunk<T>::hierarchicality(int first, int end) const {
  double sum = 0;
  forEachRatio(first, end, [&](std::ptrdiff_t, std::ptrdiff_t, double own, double before) {
    sum += own * own / (own * own + before * before);
  });
  return sum;
}

template <class T>
void HipnnChunk<T>::addHierarchicality(int first, int end, double slope) {
  forEachRatio(first, end, [&](std::ptrdiff_t a, std::ptrdiff_t b, double own, double before) {
    const double squares = own * own + before * before, factor = 2 * slope * own * before / (squares * squares);
    slopes_[a] += static_cast<T>(factor * before);
    if (b >= 0) slopes_[b] -= static_cast<T>(factor * own);
  });
}

// Energy, forces and virial; what the loss makes of them becomes a and, along −∂L/∂F and −∂L/∂W, Ḋ.
template <class T>
void HipnnChunk<T>::takeFrame(int f, int member, bool withForces, FrameSink& sink) {
  const StoredFrame<T>& frame = *frames_[f];
  const int first = firstAtom_[f], end = firstAtom_[f + 1];
  double energy = 0;
  const std::size_t n = atoms_.atoms();
  for (std::size_t b = 0; b < blocks_; b++)
    for (int i = first; i < end; i++) energy += energies_[b * n + i];
  double ratio = hierarchicality(first, end);
  // body(i, j, p): atoms of the frame at the ends of pair p.
  const auto forEachPair = [&](auto body) {
    for (int k = first; k < end; k++)
      for (int p = atoms_.first[k]; p < atoms_.first[k + 1]; p++)
        body(frame.self[k - first], frame.self[atoms_.neighbour[p] - first], 3 * static_cast<std::size_t>(p));
  };
  double virial[9] = {};
  if (withForces) {
    forces_.assign(3 * static_cast<std::size_t>(end - first), 0);
    forEachPair([&](int i, int j, std::size_t p) {
      for (int c = 0; c < 3; c++) {
        const double g = pairGradients_[p + c];
        forces_[3 * i + c] += g;
        forces_[3 * j + c] -= g;
        for (int k = 0; k < 3; k++) virial[3 * k + c] -= atoms_.vectors[p + k] * g;
      }
    });
  }
  const bool moved =
      sink.take(f, member, energy, ratio, withForces ? forces_.data() : nullptr, withForces ? virial : nullptr);
  for (std::size_t b = 0; b < blocks_; b++)
    std::fill_n(slopes_.begin() + static_cast<std::ptrdiff_t>(b * n + first), end - first, static_cast<T>(energy));
  if (ratio != 0) addHierarchicality(first, end, ratio);
  if (!withForces) return;
  moved_ |= moved;
  forEachPair([&](int i, int j, std::size_t p) {
    for (int c = 0; c < 3; c++) {
      double t = forces_[3 * i + c] - forces_[3 * j + c];
      for (int k = 0; k < 3; k++) t -= atoms_.vectors[p + k] * virial[3 * k + c];
      tangents_[p + c] = moved ? static_cast<T>(t) : T(0);
    }
  });
}

template class HipnnChunk<float>;
template class HipnnChunk<double>;

}  // namespace mlts
