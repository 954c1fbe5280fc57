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
  energies_.resize(atoms_.atoms());
  slopes_.resize(atoms_.atoms());
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

// Energy, forces and virial; what the loss makes of them becomes a and, along −∂L/∂F and −∂L/∂W, Ḋ.
template <class T>
void HipnnChunk<T>::takeFrame(int f, int member, bool withForces, FrameSink& sink) {
  const StoredFrame<T>& frame = *frames_[f];
  const int first = firstAtom_[f], end = firstAtom_[f + 1];
  double energy = 0;
  for (int i = first; i < end; i++) energy += energies_[i];
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
  const bool moved = sink.take(f, member, energy, withForces ? forces_.data() : nullptr, withForces ? virial : nullptr);
  std::fill(slopes_.begin() + first, slopes_.begin() + end, static_cast<T>(energy));
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
