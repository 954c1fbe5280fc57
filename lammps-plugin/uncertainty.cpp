// SPDX-License-Identifier: GPL-2.0-or-later
#include "uncertainty.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlts {

void Uncertainty::clear(std::size_t atoms) {
  deviations_.assign(atoms * width(), 0.0);
  forces_.assign(atoms, 0.0);
  energies_.assign(atoms, 0.0);
}

void Uncertainty::take(const Evaluation& evaluation, const std::vector<int>& index, double unit) {
  const std::size_t atoms = index.size();
  for (int m = 0; m < members_; m++) {
    for (std::size_t k = 0; k < atoms; k++) {
      double* to = &deviations_[static_cast<std::size_t>(index[k]) * width() + 3 * m];
      for (int c = 0; c < 3; c++) to[c] = unit * evaluation.force_deviations[3 * (m * atoms + k) + c];
    }
  }
  for (std::size_t k = 0; k < evaluation.sigma_energies.size(); k++)
    energies_[index[k]] = unit * evaluation.sigma_energies[k];
  for (std::size_t k = 0; k < evaluation.sigma_forces.size(); k++)
    forces_[index[k]] = unit * evaluation.sigma_forces[k];
}

int Uncertainty::pack(int count, int first, double* buffer) const {
  const auto from = deviations_.begin() + static_cast<std::ptrdiff_t>(first) * width();
  std::copy(from, from + static_cast<std::ptrdiff_t>(count) * width(), buffer);
  return count * width();
}

void Uncertainty::unpack(int count, const int* list, const double* buffer) {
  for (int k = 0; k < count; k++) {
    double* to = &deviations_[static_cast<std::size_t>(list[k]) * width()];
    for (int c = 0; c < width(); c++) to[c] += *buffer++;
  }
}

void Uncertainty::finish(std::size_t owned) {
  if (members_ < 2) return;
  for (std::size_t i = 0; i < owned; i++) {
    const double* d = &deviations_[i * width()];
    forces_[i] = std::sqrt(std::inner_product(d, d + width(), d, 0.0) / (members_ - 1));
  }
}

double sampleDeviation(const double* values, int n) {
  if (n < 2) return 0;
  const double mean = std::accumulate(values, values + n, 0.0) / n;
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (values[i] - mean) * (values[i] - mean);
  return std::sqrt(sum / (n - 1));
}

}  // namespace mlts
