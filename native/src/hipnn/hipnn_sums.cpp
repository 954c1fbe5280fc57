// HipnnEvaluation: from features and gradients of rows to what was wanted of each system.
#include <algorithm>

#include "hipnn_evaluation.hpp"

namespace mlts {

template <class T>
void HipnnEvaluation<T>::refuseOverlaps(const Batch& batch, std::vector<Result>& results) const {
  for (int row = 0; row < rows_.rowsUpTo(blocks_ - 1); row++) {
    const T nearest = rows_.nearest(row);
    if (nearest >= model_.minDistance) continue;
    const auto& system = batch.systems[rows_.system(row)];
    const Pairs<T>& pairs = rows_.pairs(row);
    int neighbour = 0;
    while (pairs.r[neighbour] != nearest) neighbour++;
    const int base = static_cast<int>(system.firstAtom);
    refuseOverlap(rows_.atom(row) - base, rows_.atom(pairs.row[neighbour]) - base, nearest, model_.minDistance,
                  results[system.index]);
  }
}

// Energies of one block of the owned rows among these, from their new features.
template <class T>
void HipnnEvaluation<T>::storeEnergies(int member, int block, const RowChunk& chunk, const PassScratch<T>& scratch) {
  if (chunk.firstRow >= rows_.owned()) return;
  const PackedBlock<T>& weights = packed(member, block);
  T energy[2 * blockWidth];
  for (int t = chunk.firstTile; t < chunk.firstTile + chunk.tiles; t++) {
    const RowTile& tile = rows_.tile(t);
    hipnn_.dotRows(scratch.features.data() + (tile.firstRow - chunk.firstRow) * pass_.width(),
                   pass_.width() / blockWidth, tile.rows, weights.head.data(), energy);
    for (int r = 0; r < tile.rows; r++)
      energies_[(static_cast<std::size_t>(tile.firstRow + r) * model_.members + member) * blocks_ + block] =
          model_.energyScale * (static_cast<double>(energy[r]) + weights.headBias);
  }
}

// From the parts' accumulators to those of the batch.
template <class T>
void HipnnEvaluation<T>::sumForces(Group group, const Wanted& wanted, std::size_t systems) {
  const std::size_t rows = rows_.rows();
  const int lanes = (model_.members + memberLanes - 1) / memberLanes * memberLanes;
  T* const forces = forces_.forces(0);
  T* const virials = forces_.atomVirials(0);
  const T share = wanted.separate ? T(1) / static_cast<T>(model_.members) : T(1);
  constexpr std::size_t grain = 256;
  pool_.forEach((rows + grain - 1) / grain, 1, [&](std::size_t task, int) {
    for (const Part& part : parts_) {
      for (int local = part.firstMember; local < part.endMember; local++) {
        const int lane = group.first + local;
        for (std::size_t row = task * grain; row < std::min(rows, (task + 1) * grain); row++) {
          const std::size_t atom = rows_.atom(static_cast<int>(row));
          const T* force = part.forces.data() + (local * rows + row) * 4;
          for (int d = 0; d < 3; d++) {
            if (wanted.separate) {
              forces[(3 * atom + d) * lanes + lane] += force[d];
            } else {
              forces[4 * atom + d] += force[d];
            }
          }
          if (virials)
            for (int k = 0; k < 9; k++) virials[9 * atom + k] += share * part.atomVirials[(local * rows + row) * 9 + k];
        }
      }
    }
  });
  if (!wanted.virial) return;
  for (const Part& part : parts_)
    for (int local = part.firstMember; local < part.endMember; local++)
      for (std::size_t s = 0; s < systems; s++)
        for (int k = 0; k < 9; k++) {
          const double w = part.virials[(local * systems + s) * 9 + k];
          if (wanted.separate) {
            forces_.virial(0, s)[k * lanes + group.first + local] += w;
          } else {
            forces_.virial(0, s)[k] += w;
          }
        }
}

template <class T>
std::vector<int> HipnnEvaluation<T>::finish(const Batch& batch, const std::vector<System>& systems,
                                            const Wanted& wanted, std::vector<Result>& results) const {
  const int members = model_.members;
  std::vector<EnergySum> sums(batch.systems.size(), EnergySum(members));
  std::vector<char> coarse(batch.systems.size(), 0);
  std::vector<double> atom(members);
  for (int row = 0; row < rows_.owned(); row++) {
    const int s = rows_.system(row);
    const auto& system = batch.systems[s];
    Result& result = results[system.index];
    const double self = model_.selfEnergies[rows_.element(row)];
    double hierarchicality = 0;
    for (int m = 0; m < members; m++) {
      const double* energy = energies_.data() + (static_cast<std::size_t>(row) * members + m) * blocks_;
      double network = 0, before = self;
      for (int b = 0; b < blocks_; b++) {
        const double squares = energy[b] * energy[b] + before * before;
        if (squares > 0) hierarchicality += energy[b] * energy[b] / squares / members;
        network += energy[b];
        before = energy[b];
      }
      coarse[s] |= isTooCoarse<T>(network);
      atom[m] = self + network;
    }
    const std::size_t local = rows_.atom(row) - system.firstAtom;
    if (result.hierarchicality) result.hierarchicality[local] = hierarchicality;
    sums[s].add(local, atom.data(), result);
  }
  std::vector<int> again;
  for (std::size_t s = 0; s < batch.systems.size(); s++) {
    Result& result = results[batch.systems[s].index];
    if (coarse[s]) again.push_back(static_cast<int>(s));
    if (result.error) continue;
    sums[s].write(result);
    if (wanted.gradient)
      forces_.write(pool_, systems[batch.systems[s].index], s, batch.systems[s].firstAtom, members, result);
  }
  return again;
}

#define MLTS_INSTANTIATE(T)                                                                                     \
  template void HipnnEvaluation<T>::refuseOverlaps(const Batch&, std::vector<Result>&) const;                   \
  template void HipnnEvaluation<T>::storeEnergies(int, int, const RowChunk&, const PassScratch<T>&);            \
  template void HipnnEvaluation<T>::sumForces(Group, const Wanted&, std::size_t);                               \
  template std::vector<int> HipnnEvaluation<T>::finish(const Batch&, const std::vector<System>&, const Wanted&, \
                                                       std::vector<Result>&) const;
MLTS_INSTANTIATE(float)
MLTS_INSTANTIATE(double)
#undef MLTS_INSTANTIATE

}  // namespace mlts
