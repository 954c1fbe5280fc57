#include "reduce.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mlts {
namespace {

constexpr std::size_t atomsPerGrain = 512;

struct Moments {
  double mean;
  double variance;  // ddof 1; 0 for one member
};

Moments moments(const double* x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i];
  const double mean = sum / n;
  double squares = 0;
  for (int i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, n > 1 ? squares / (n - 1) : 0};
}

}  // namespace

template <class T>
void ForceSums<T>::reset(ThreadPool& pool, std::size_t parts, std::size_t atoms, std::size_t systems, int lanes,
                         bool perAtomVirials) {
  lanes_ = lanes;
  perAtomVirials_ = perAtomVirials;
  parts_.resize(parts);
  pool.forEach(parts_.size(), 1, [&](std::size_t part, int) {
    Part& t = parts_[part];
    const std::size_t values = atoms * (lanes == 1 ? 4 : 3 * lanes);
    std::memset(t.forces.reserve(values), 0, values * sizeof(T));
    std::memset(t.virials.reserve(systems * 9 * lanes), 0, systems * 9 * lanes * sizeof(double));
    if (perAtomVirials) std::memset(t.atomVirials.reserve(atoms * 9), 0, atoms * 9 * sizeof(T));
  });
}

template <class T>
void ForceSums<T>::writeMean(std::size_t atom, std::size_t local, Result& result) const {
  for (int d = 0; d < 3; d++) {
    double sum = 0;
    for (const Part& t : parts_) sum += t.forces[4 * atom + d];
    if (result.forces) result.forces[3 * local + d] = sum;
    if (result.memberForces) result.memberForces[3 * local + d] = sum;
  }
}

template <class T>
void ForceSums<T>::writeMembers(std::size_t atom, std::size_t local, std::size_t atoms, int members,
                                Result& result) const {
  double variance = 0;
  double force[64];
  for (int d = 0; d < 3; d++) {
    const std::size_t offset = (3 * atom + d) * lanes_;
    for (int m = 0; m < members; m++) force[m] = parts_[0].forces[offset + m];
    for (std::size_t t = 1; t < parts_.size(); t++)
      for (int m = 0; m < members; m++) force[m] += parts_[t].forces[offset + m];
    const Moments of = moments(force, members);
    variance += of.variance;
    if (result.forces) result.forces[3 * local + d] = of.mean;
    if (result.memberForces)
      for (int m = 0; m < members; m++) result.memberForces[(m * atoms + local) * 3 + d] = force[m];
    if (result.forceDeviations)
      for (int m = 0; m < members; m++)
        result.forceDeviations[(m * atoms + local) * 3 + d] = static_cast<float>(force[m] - of.mean);
  }
  if (result.sigmaForces) result.sigmaForces[local] = std::sqrt(variance);
}

template <class T>
void ForceSums<T>::write(ThreadPool& pool, const System& system, std::size_t index, std::size_t first, int members,
                         Result& result) const {
  const std::size_t n = system.atoms;
  if (result.virial) {
    for (int k = 0; k < 9; k++) {
      double sum = 0;
      for (const Part& t : parts_) {
        const double* w = t.virials.data() + (index * 9 + k) * lanes_;
        for (int lane = 0; lane < std::min(lanes_, members); lane++) sum += w[lane];
      }
      result.virial[k] = lanes_ == 1 ? sum : sum / members;
    }
  }
  if (result.virials) {
    for (std::size_t i = 0; i < 9 * n; i++) {
      double sum = 0;
      for (const Part& t : parts_) sum += t.atomVirials[9 * first + i];
      result.virials[i] = sum;
    }
  }
  if (!result.forces && !result.sigmaForces && !result.memberForces && !result.forceDeviations) return;
  const std::size_t grains = (n + atomsPerGrain - 1) / atomsPerGrain;
  pool.forEach(grains, 1, [&](std::size_t grain, int) {
    for (std::size_t i = grain * atomsPerGrain; i < std::min(n, (grain + 1) * atomsPerGrain); i++) {
      if (lanes_ == 1) {
        writeMean(first + i, i, result);
      } else {
        writeMembers(first + i, i, n, members, result);
      }
    }
  });
  if (lanes_ == 1) {  // one member: nothing to disagree with
    if (result.sigmaForces) std::fill(result.sigmaForces, result.sigmaForces + n, 0.0);
    if (result.forceDeviations) std::fill(result.forceDeviations, result.forceDeviations + 3 * n, 0.0f);
  }
}

template <class T>
std::size_t ForceSums<T>::bytes() const {
  std::size_t total = 0;
  for (const Part& t : parts_) total += t.forces.bytes() + t.virials.bytes() + t.atomVirials.bytes();
  return total;
}

void EnergySum::add(std::size_t atom, const double* energies, Result& result) {
  const int members = static_cast<int>(sums_.size());
  for (int m = 0; m < members; m++) sums_[m] += energies[m];
  if (!result.energies && !result.sigmaEnergies) return;
  const Moments of = moments(energies, members);
  if (result.energies) result.energies[atom] = of.mean;
  if (result.sigmaEnergies) result.sigmaEnergies[atom] = std::sqrt(of.variance);
}

void EnergySum::write(Result& result) const {
  const Moments of = moments(sums_.data(), static_cast<int>(sums_.size()));
  result.energy = of.mean;
  if (result.sigmaEnergy) *result.sigmaEnergy = std::sqrt(of.variance);
  if (result.memberEnergies) std::copy(sums_.begin(), sums_.end(), result.memberEnergies);
}

template class ForceSums<float>;
template class ForceSums<double>;

}  // namespace mlts
