// SPDX-License-Identifier: GPL-2.0-or-later
#include "gathered.h"

namespace mlts {

Gathered::Gathered(MPI_Comm world) : world_(world) {
  int ranks;
  MPI_Comm_size(world, &ranks);
  MPI_Comm_rank(world, &rank_);
  words_.resize(ranks), counts_.resize(ranks), offsets_.resize(ranks);
  firsts_.assign(ranks + 1, 0);
}

void Gathered::layOut(int width, int size) {
  for (std::size_t r = 0; r < counts_.size(); r++) {
    counts_[r] = (firsts_[r + 1] - firsts_[r]) * width * size;
    offsets_[r] = firsts_[r] * width * size;
  }
}

void Gathered::gather(const Selection& selection, bool changed) {
  const int own = static_cast<int>(selection.index().size());
  const int word = 2 * own + changed;
  MPI_Allgather(&word, 1, MPI_INT, words_.data(), 1, MPI_INT, world_);
  changed_ = false;
  for (std::size_t r = 0; r < words_.size(); r++) {
    changed_ |= words_[r] % 2 != 0;
    firsts_[r + 1] = firsts_[r] + words_[r] / 2;
  }
  if (rank_ == 0) numbers_.resize(atoms()), positions_.resize(3 * atoms());
  if (changed_) {
    layOut(1, 1);
    MPI_Gatherv(selection.numbers().data(), own, MPI_INT32_T, numbers_.data(), counts_.data(), offsets_.data(),
                MPI_INT32_T, 0, world_);
  }
  layOut(3, 1);
  MPI_Gatherv(selection.positions().data(), 3 * own, MPI_DOUBLE, positions_.data(), counts_.data(), offsets_.data(),
              MPI_DOUBLE, 0, world_);
}

long Gathered::mine(long atom) const {
  return atom >= firsts_[rank_] && atom < firsts_[rank_ + 1] ? atom - firsts_[rank_] : -1;
}

// The whole need not be aligned, so it goes as bytes.
Array<double> Gathered::slice(const Array<double>* whole, int width, std::vector<double>& mine) {
  layOut(width, sizeof(double));
  mine.resize(static_cast<std::size_t>(width) * (firsts_[rank_ + 1] - firsts_[rank_]));
  const int own = static_cast<int>(mine.size() * sizeof(double));
  MPI_Scatterv(whole ? whole->bytes().data() : nullptr, counts_.data(), offsets_.data(), MPI_BYTE, mine.data(), own,
               MPI_BYTE, 0, world_);
  return Array<double>({reinterpret_cast<const char*>(mine.data()), static_cast<std::size_t>(own)});
}

Evaluation Gathered::scatter(const Evaluation* whole, Want want) {
  Evaluation mine;
  if (whole) mine = *whole;
  if (want & wantForces) mine.forces = slice(whole ? &whole->forces : nullptr, 3, forces_);
  if (want & wantEnergies) mine.energies = slice(whole ? &whole->energies : nullptr, 1, energies_);
  if (want & wantVirials) mine.virials = slice(whole ? &whole->virials : nullptr, 9, virials_);
  if (want & wantSigma) mine.sigma_energies = slice(whole ? &whole->sigma_energies : nullptr, 1, sigmaEnergies_);
  if (want & wantSigmaForces) mine.sigma_forces = slice(whole ? &whole->sigma_forces : nullptr, 1, sigmaForces_);
  return mine;
}

std::size_t Gathered::bytes() const {
  const std::size_t doubles = positions_.capacity() + forces_.capacity() + energies_.capacity() + virials_.capacity() +
                              sigmaEnergies_.capacity() + sigmaForces_.capacity();
  return doubles * sizeof(double) + numbers_.capacity() * sizeof(int32_t);
}

}  // namespace mlts
