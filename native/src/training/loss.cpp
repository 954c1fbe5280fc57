#include "loss.hpp"

#include <algorithm>
#include <cmath>

namespace mlts {

void ErrorSums::add(double residual) {
  const double size = std::fabs(residual);
  count++;
  squared += residual * residual;
  absolute += size;
  if (!(size <= largest)) largest = size;  // a NaN stays
}

void ErrorSums::add(const ErrorSums& other) {
  count += other.count;
  squared += other.squared;
  absolute += other.absolute;
  if (!(other.largest <= largest)) largest = other.largest;
}

void LossSums::add(const LossSums& other) {
  for (std::size_t t = 0; t < terms.size(); t++) terms[t] += other.terms[t];
  energy.add(other.energy);
  energyPerAtom.add(other.energyPerAtom);
  forces.add(other.forces);
  virial.add(other.virial);
}

BatchLoss::BatchLoss(const std::vector<LossTerm>& terms) {
  for (const LossTerm& term : terms) terms_.push_back({term});
}

// ω of one residual of the frame before division by the term's total; 0 where the frame has no part in it.
double BatchLoss::share(const Term& term, const FrameFacts& frame) {
  switch (term.of) {
    case LossTerm::Of::energy:
      return frame.energy ? frame.weight : 0;
    case LossTerm::Of::forces:
      return !frame.forces ? 0 : term.components ? frame.weight : frame.weight / (3.0 * frame.atoms);
    case LossTerm::Of::virial:
      return !frame.virial || (term.per == LossTerm::Per::volume && !(frame.volume > 0)) ? 0 : frame.weight / 9;
    case LossTerm::Of::hierarchicality:
      return frame.weight;
  }
  return 0;
}

// x = residual · scale.
double BatchLoss::scale(const Term& term, const FrameFacts& frame) {
  if (term.of == LossTerm::Of::energy) return std::pow(frame.atoms, -term.power);
  if (term.of == LossTerm::Of::hierarchicality) return 1.0 / frame.atoms;
  if (term.of == LossTerm::Of::virial && term.per == LossTerm::Per::atom) return 1.0 / frame.atoms;
  if (term.of == LossTerm::Of::virial && term.per == LossTerm::Per::volume) return 1 / frame.volume;
  return 1;
}

void BatchLoss::count(const FrameFacts& frame) {
  for (Term& term : terms_) {
    const int residuals = term.of == LossTerm::Of::forces ? 3 * frame.atoms : term.of == LossTerm::Of::virial ? 9 : 1;
    term.total += share(term, frame) * residuals;
  }
}

void BatchLoss::finish() {
  for (Term& term : terms_)
    if (term.total == 0) term.total = 1;  // no frame has the label: an empty sum
}

bool BatchLoss::needsMeanSquares() const {
  return std::any_of(terms_.begin(), terms_.end(), [](const Term& t) { return t.form == LossTerm::Form::rms; });
}

void BatchLoss::setMeanSquares(const LossSums& sums) {
  for (std::size_t t = 0; t < terms_.size(); t++) terms_[t].meanSquare = sums.terms[t];
}

namespace {

struct Penalty {
  double value, slope;
};

Penalty penalty(const LossTerm& term, double meanSquare, double x) {
  switch (term.form) {
    case LossTerm::Form::squared:
      return {x * x, 2 * x};
    case LossTerm::Form::rms:  // of √S: dS/2√S
      return {x * x, meanSquare > 0 ? x / std::sqrt(meanSquare) : 0};
    case LossTerm::Form::absolute:
      return {std::fabs(x), x > 0 ? 1.0 : x < 0 ? -1.0 : x};
    case LossTerm::Form::huber:
      if (std::fabs(x) <= term.delta) return {x * x / 2, x};
      return {term.delta * (std::fabs(x) - term.delta / 2), x > 0 ? term.delta : x < 0 ? -term.delta : x};
  }
  return {0, 0};
}

}  // namespace

double BatchLoss::energy(const FrameFacts& frame, double residual, LossSums& sums) const {
  sums.energy.add(residual);
  sums.energyPerAtom.add(residual / frame.atoms);
  return single(LossTerm::Of::energy, frame, residual, sums);
}

double BatchLoss::hierarchicality(const FrameFacts& frame, double sum, LossSums& sums) const {
  return single(LossTerm::Of::hierarchicality, frame, sum, sums);
}

double BatchLoss::single(LossTerm::Of of, const FrameFacts& frame, double residual, LossSums& sums) const {
  double slope = 0;
  for (std::size_t t = 0; t < terms_.size(); t++) {
    const Term& term = terms_[t];
    if (term.of != of) continue;
    const double scale = BatchLoss::scale(term, frame), share = BatchLoss::share(term, frame) / term.total;
    const Penalty p = penalty(term, term.meanSquare, residual * scale);
    sums.terms[t] += share * p.value;
    slope += term.weight * share * scale * p.slope;
  }
  return slope;
}

void BatchLoss::forces(const FrameFacts& frame, double* residual, LossSums& sums) const {
  for (int i = 0; i < 3 * frame.atoms; i++) sums.forces.add(residual[i]);
  components(LossTerm::Of::forces, frame, 3 * frame.atoms, residual, sums);
}

void BatchLoss::virial(const FrameFacts& frame, double* residual, LossSums& sums) const {
  for (int i = 0; i < 9; i++) sums.virial.add(residual[i]);
  components(LossTerm::Of::virial, frame, 9, residual, sums);
}

void BatchLoss::components(LossTerm::Of of, const FrameFacts& frame, int count, double* residual,
                           LossSums& sums) const {
  std::vector<Part> parts;
  for (std::size_t t = 0; t < terms_.size(); t++) {
    const Term& term = terms_[t];
    const double share = BatchLoss::share(term, frame) / term.total;
    if (term.of == of && share != 0) parts.push_back({&term, scale(term, frame), share, &sums.terms[t]});
  }
  for (int i = 0; i < count; i++) {
    double slope = 0;
    for (const Part& part : parts) {
      const Penalty p = penalty(*part.term, part.term->meanSquare, residual[i] * part.scale);
      *part.sum += part.share * p.value;
      slope += part.term->weight * part.share * part.scale * p.slope;
    }
    residual[i] = slope;
  }
}

void BatchLoss::report(const LossSums& sums, BatchReport& report) const {
  report.energy = sums.energy;
  report.energyPerAtom = sums.energyPerAtom;
  report.forces = sums.forces;
  report.virial = sums.virial;
  report.loss = 0;
  report.terms.clear();
  for (std::size_t t = 0; t < terms_.size(); t++) {
    const double mean = terms_[t].form == LossTerm::Form::rms ? std::sqrt(sums.terms[t]) : sums.terms[t];
    report.terms.push_back(terms_[t].weight * mean);
    report.loss += report.terms.back();
  }
}

}  // namespace mlts
