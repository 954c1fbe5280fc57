#include "center_block.hpp"

#include <algorithm>
#include <string>

#include "mlts/error.hpp"

namespace mlts {

template <class T>
void CenterBlock<T>::build(const CenterRef* refs, int count, const Descriptor<T>& d, const NeighbourKernels<T>& kernels,
                           ThreadPool& pool) {
  constexpr std::size_t grain = 16;
  const int segmentCount = 2 * d.elements + 1;
  count_ = count;
  offset_.resize(count + 1);
  offset_[0] = 0;
  std::size_t largest = 0;
  for (int k = 0; k < count; k++) {
    const std::size_t capacity =
        (refs[k].list->candidateCount(refs[k].center) + 2 * blockWidth - 1) / blockWidth * blockWidth;
    largest = std::max(largest, capacity);
    offset_[k + 1] = offset_[k] + capacity;
  }
  geometry_.reserve(4 * offset_[count]);
  atoms_.reserve(offset_[count] + blockWidth);
  segments_.resize(static_cast<std::size_t>(count) * segmentCount);
  centers_.resize(count);
  elements_.resize(count);
  masks_.resize(count);
  triples_.resize(count);
  nearest_.resize(count);
  spare_.resize(pool.threads());
  for (auto& spare : spare_) spare.reserve(5 * (largest + blockWidth));

  pool.forEach(count, grain, [&](std::size_t k, int thread) {
    const CenterRef& ref = refs[k];
    const std::size_t capacity = offset_[k + 1] - offset_[k];
    T* const geometry = geometry_.data() + 4 * offset_[k];
    const CenterArrays<T> arrays{geometry,
                                 geometry + capacity,
                                 geometry + 2 * capacity,
                                 geometry + 3 * capacity,
                                 atoms_.data() + offset_[k],
                                 segments_.data() + k * segmentCount,
                                 nearest_.data() + k,
                                 spare_[thread].data()};
    const int neighbours =
        kernels.filter(ref.list->candidates(ref.center), d.radialCutoff, d.angularCutoff, ref.firstAtom, arrays);
    const int atom = ref.list->atom(ref.center);
    if (neighbours < 0)
      throw Error("E_LIMIT", "atom " + std::to_string(atom) + " has more than 65535 neighbours",
                  "Check the density of the system.", atom);
    centers_[k] = {arrays.dx, arrays.dy, arrays.dz, arrays.r, arrays.atom, arrays.segment, ref.firstAtom + atom};
    elements_[k] = ref.list->element(ref.center);
    summarise(static_cast<int>(k), d);
  });
  mostNeighbours_ = 0;
  for (const Center<T>& center : centers_)
    mostNeighbours_ = std::max<int>(mostNeighbours_, center.segment[2 * d.elements]);
}

template <class T>
GroupMask groupsSeen(const std::uint16_t* segment, const Descriptor<T>& d) {
  const auto angular = [&](int e) { return segment[2 * e + 1] - segment[2 * e]; };
  GroupMask mask;
  for (int e = 0; e < d.elements; e++) {
    if (segment[2 * e + 2] > segment[2 * e]) mask.set(e);
    for (int f = e; f < d.elements; f++)
      if (e == f ? angular(e) > 1 : angular(e) > 0 && angular(f) > 0) mask.set(d.elements + d.pair(e, f));
  }
  return mask;
}
template GroupMask groupsSeen(const std::uint16_t*, const Descriptor<float>&);
template GroupMask groupsSeen(const std::uint16_t*, const Descriptor<double>&);

// What the tiles and the thread balance need to know about a center.
template <class T>
void CenterBlock<T>::summarise(int k, const Descriptor<T>& d) {
  const std::uint16_t* segment = centers_[k].segment;
  std::uint32_t inner = 0;
  for (int e = 0; e < d.elements; e++) inner += segment[2 * e + 1] - segment[2 * e];
  masks_[k] = groupsSeen(segment, d);
  triples_[k] = inner * (inner - (inner > 0)) / 2;
}

template <class T>
std::size_t CenterBlock<T>::bytes() const {
  std::size_t total = geometry_.bytes() + atoms_.bytes() + segments_.capacity() * sizeof(std::uint16_t) +
                      offset_.capacity() * sizeof(std::size_t) + centers_.capacity() * sizeof(Center<T>) +
                      masks_.capacity() * sizeof(GroupMask);
  for (const auto& spare : spare_) total += spare.bytes();
  return total;
}

template class CenterBlock<float>;
template class CenterBlock<double>;

}  // namespace mlts
