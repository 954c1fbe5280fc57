// One member's loss over one batch: its value and the derivatives ∂L/∂E, ∂L/∂F, ∂L/∂W of each frame.
#pragma once

#include <vector>

#include "mlts/trainer.hpp"

namespace mlts {

// Labels of a frame as the loss needs them.
struct FrameFacts {
  int atoms;
  double weight;
  double volume;  // Å³, 0 without a cell periodic in three directions
  bool energy, forces, virial;
};

struct LossSums {
  std::vector<double> terms;  // Σ ω φ(x)
  ErrorSums energy, energyPerAtom, forces, virial;
  void reset(std::size_t count) {
    *this = {};
    terms.assign(count, 0);
  }
  void add(const LossSums& other);
};

// Whether a term is of forces or virials.
inline bool needsForces(const LossTerm& term) {
  return term.of == LossTerm::Of::forces || term.of == LossTerm::Of::virial;
}

class BatchLoss {
 public:
  // Frames are counted in first, then `finish` fixes the weights ω of the means.
  explicit BatchLoss(const std::vector<LossTerm>& terms);
  void count(const FrameFacts& frame);
  void finish();

  // Σ ω x² of the terms that are root mean squares: their derivatives need it, the others' do not.
  void setMeanSquares(const LossSums& sums);

  // Add to the sums; return the derivatives.
  double energy(const FrameFacts& frame, double residual, LossSums& sums) const;
  // sum: Σ_i R_i of a frame; the loss has its mean over atoms.
  double hierarchicality(const FrameFacts& frame, double sum, LossSums& sums) const;
  // residual[3·atoms] becomes ∂L/∂F.
  void forces(const FrameFacts& frame, double* residual, LossSums& sums) const;
  void virial(const FrameFacts& frame, double* residual, LossSums& sums) const;

  void report(const LossSums& sums, BatchReport& report) const;
  bool needsMeanSquares() const;

 private:
  struct Term : LossTerm {
    double total = 0;       // Σ of frame weights, or of weights times components
    double meanSquare = 0;  // of rms
  };
  static double share(const Term& term, const FrameFacts& frame);
  static double scale(const Term& term, const FrameFacts& frame);
  struct Part {
    const Term* term;
    double scale, share;
    double* sum;
  };
  double single(LossTerm::Of of, const FrameFacts& frame, double residual, LossSums& sums) const;
  void components(LossTerm::Of of, const FrameFacts& frame, int count, double* residual, LossSums& sums) const;

  std::vector<Term> terms_;
};

}  // namespace mlts
