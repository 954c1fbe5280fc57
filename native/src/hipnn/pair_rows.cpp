#include "pair_rows.hpp"

#include <algorithm>
#include <string>

namespace mlts {

template <class T>
void PairRows<T>::arrange(const Batch& batch, const std::vector<System>& systems, int shells, int tileRows,
                          int tilesPerChunk) {
  refs_.clear();
  element_.clear();
  atom_.clear();
  system_.clear();
  tiles_.clear();
  chunks_.clear();
  shell_.clear();
  rowsUpTo_.clear();
  chunksUpTo_.clear();
  rowOf_.assign(batch.atoms, -1);
  const auto addRow = [&](int system, std::size_t atom, int element) {
    rowOf_[atom] = rows();
    atom_.push_back(static_cast<int>(atom));
    system_.push_back(system);
    element_.push_back(element);
  };
  for (int shell = 0; shell < shells; shell++) {
    const int firstRow = rows();
    for (std::size_t s = 0; s < batch.systems.size(); s++) {
      const auto& system = batch.systems[s];
      const int begin = shell == 0 ? 0 : system.list->centersUpTo(shell - 1);
      for (int c = begin; c < system.list->centersUpTo(shell); c++) {
        refs_.push_back({system.list, c, static_cast<int>(system.firstAtom)});
        addRow(static_cast<int>(s), system.firstAtom + system.list->atom(c), system.list->element(c));
      }
    }
    // Evenly filled tiles, evenly filled chunks.
    const int count = rows() - firstRow, tileCount = (count + tileRows - 1) / tileRows;
    const int firstTile = static_cast<int>(tiles_.size());
    for (int t = 0, row = firstRow; t < tileCount; t++) {
      const int some = (firstRow + count - row + tileCount - t - 1) / (tileCount - t);
      tiles_.push_back({row, some});
      row += some;
    }
    const int chunkCount = (tileCount + tilesPerChunk - 1) / tilesPerChunk;
    for (int k = 0; k < chunkCount; k++) {
      const int begin = firstTile + k * tileCount / chunkCount, end = firstTile + (k + 1) * tileCount / chunkCount;
      const int row = tiles_[begin].firstRow;
      chunks_.push_back({begin, end - begin, row, tiles_[end - 1].firstRow + tiles_[end - 1].rows - row});
      shell_.push_back(shell);
    }
    rowsUpTo_.push_back(rows());
    chunksUpTo_.push_back(chunks());
  }
  for (std::size_t s = 0; s < batch.systems.size(); s++) {
    const auto& system = batch.systems[s];
    for (int i = 0; i < systems[system.index].atoms; i++)
      if (rowOf_[system.firstAtom + i] < 0)
        addRow(static_cast<int>(s), system.firstAtom + i, system.list->elementOfAtom(i));
  }
  rowsUpTo_.push_back(rows());
}

template <class T>
void PairRows<T>::findPairs(const PairBins<T>& bins, int elements, const HipnnKernels<T>& kernels, ThreadPool& pool,
                            const std::int32_t* cancelled) {
  pairs_.resize(refs_.size());
  nearest_.resize(refs_.size());
  if (storage_.size() < chunks_.size()) storage_.resize(chunks_.size());
  spare_.resize(pool.threads());
  pool.forEach(chunks_.size(), 1, [&](std::size_t c, int thread) {
    checkCancelled(cancelled);
    findPairs(chunks_[c], storage_[c], bins, elements, kernels, spare_[thread]);
  });
  mostPairs_ = 0;
  slot_.resize(refs_.size() + 1);
  slot_[0] = 0;
  for (std::size_t row = 0; row < refs_.size(); row++) {
    mostPairs_ = std::max(mostPairs_, pairs_[row].count);
    slot_[row + 1] = slot_[row] + pairs_[row].stride;
  }
}

template <class T>
void PairRows<T>::findPairs(const RowChunk& chunk, Storage& storage, const PairBins<T>& bins, int elements,
                            const HipnnKernels<T>& kernels, Buffer<double>& spare) {
  std::size_t most = 0, largest = 0;
  for (int row = chunk.firstRow; row < chunk.firstRow + chunk.rows; row++) {
    const std::size_t candidates = refs_[row].list->candidateCount(refs_[row].center) + 2 * blockWidth;
    most += candidates;
    largest = std::max(largest, candidates);
  }
  // Reserved for all candidates; memory beyond the pairs is not touched.
  T* values = storage.values.reserve(4 * most);
  std::int32_t* neighbour = storage.row.reserve(most);
  const std::size_t ends = static_cast<std::size_t>(bins.bins + 1) * elements;
  std::uint16_t* end = storage.end.reserve(ends * chunk.rows);
  spare.reserve(5 * largest);
  for (int row = chunk.firstRow; row < chunk.firstRow + chunk.rows; row++, end += ends) {
    const CenterRef& ref = refs_[row];
    const int count = kernels.pairs(ref.list->candidates(ref.center), bins, rowOf_.data() + ref.firstAtom,
                                    {values, neighbour, end, nearest_.data() + row, spare.data()});
    const int atom = ref.list->atom(ref.center);
    if (count < 0)
      throw Error("E_LIMIT", "atom " + std::to_string(atom) + " has more than 65535 neighbours",
                  "Check the density of the system.", atom);
    const int stride = pairStride(count);
    pairs_[row] = {
        count,     stride, bins.bins, elements, values, values + stride, values + 2 * stride, values + 3 * stride,
        neighbour, end};
    values += 4 * stride;
    neighbour += stride;
  }
}

template <class T>
std::size_t PairRows<T>::pairCount(const RowChunk& chunk) const {
  std::size_t count = 0;
  for (int row = chunk.firstRow; row < chunk.firstRow + chunk.rows; row++) count += pairs_[row].count;
  return count;
}

template <class T>
std::size_t PairRows<T>::bytes() const {
  std::size_t total = refs_.capacity() * sizeof(CenterRef) + pairs_.capacity() * sizeof(Pairs<T>) +
                      slot_.capacity() * sizeof(std::size_t) + atom_.capacity() * 3 * sizeof(int);
  for (const Storage& s : storage_) total += s.values.bytes() + s.row.bytes() + s.end.bytes();
  for (const auto& spare : spare_) total += spare.bytes();
  return total;
}

template class PairRows<float>;
template class PairRows<double>;

}  // namespace mlts
