#include "power_fit.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

namespace mlts {
namespace {

using Real = double;  // enough: the orthogonal polynomials keep the problem well conditioned
constexpr int points = 200;
constexpr int maxDegree = 8;
constexpr int reweightings = 20;
// Reweighting lowers the largest error of plain least squares by less than this.
constexpr double reweightingGain = 10;

struct Grid {
  std::vector<Real> h, target, scale;  // Chebyshev points, h^(exponent−power), h^power
};

Grid makeGrid(double exponent, int power) {
  Grid g;
  for (int i = 0; i < points; i++) {
    const Real h = (1 - std::cos(std::numbers::pi_v<Real> * (i + 0.5) / points)) / 2;
    g.h.push_back(h);
    g.target.push_back(std::pow(h, static_cast<Real>(exponent) - power));
    g.scale.push_back(std::pow(h, static_cast<Real>(power)));
  }
  return g;
}

// Weighted least squares by discrete orthogonal polynomials: p_{k+1} = (h − a_k) p_k − b_k p_{k−1} (Forsythe 1957,
// doi:10.1137/0105007), summed up in powers of h.
std::vector<Real> leastSquares(const Grid& g, const std::vector<Real>& weight, int degree) {
  std::vector<Real> now(points, 1), before(points, 0);
  std::vector<Real> nowPowers(degree + 1, 0), beforePowers(degree + 1, 0), sum(degree + 1, 0);
  nowPowers[0] = 1;
  Real normBefore = 0;
  for (int k = 0; k <= degree; k++) {
    Real norm = 0, moment = 0, projection = 0;
    for (int i = 0; i < points; i++) {
      const Real w = weight[i] * g.scale[i] * g.scale[i] * now[i];
      norm += w * now[i];
      moment += w * now[i] * g.h[i];
      projection += w * g.target[i];
    }
    const Real a = moment / norm, b = k == 0 ? 0 : norm / normBefore, c = projection / norm;
    for (int p = 0; p <= degree; p++) sum[p] += c * nowPowers[p];
    for (int i = 0; i < points; i++) {
      const Real next = (g.h[i] - a) * now[i] - b * before[i];
      before[i] = now[i];
      now[i] = next;
    }
    std::vector<Real> nextPowers(degree + 1, 0);
    for (int p = 0; p <= degree; p++)
      nextPowers[p] = (p > 0 ? nowPowers[p - 1] : 0) - a * nowPowers[p] - b * beforePowers[p];
    beforePowers = nowPowers;
    nowPowers = nextPowers;
    normBefore = norm;
  }
  return sum;
}

// Near-minimax by Lawson's reweighting; the best of all rounds.
PowerFit fit(const Grid& g, int power, int degree, double tolerance) {
  std::vector<Real> weight(points, 1), error(points);
  PowerFit best{power, {}, std::numeric_limits<double>::infinity()};
  for (int round = 0; round < reweightings; round++) {
    const std::vector<Real> coefficients = leastSquares(g, weight, degree);
    Real largest = 0;
    for (int i = 0; i < points; i++) {
      Real p = 0;
      for (int k = degree; k >= 0; k--) p = p * g.h[i] + coefficients[k];
      error[i] = std::fabs(p - g.target[i]) * g.scale[i];
      largest = std::fmax(largest, error[i]);
    }
    if (largest < best.error) {
      best.error = static_cast<double>(largest);
      best.polynomial.assign(coefficients.begin(), coefficients.end());
    }
    if (best.error > reweightingGain * tolerance) break;
    for (int i = 0; i < points; i++) weight[i] *= error[i] / largest + 1e-3;
  }
  return best;
}

int multiplications(int power) {
  return power == 0 ? 0 : std::bit_width(unsigned(power)) - 1 + std::popcount(unsigned(power));
}

}  // namespace

std::optional<PowerFit> fitPower(double exponent, double tolerance) {
  if (exponent >= 0 && exponent == std::floor(exponent) && exponent < 1 << 20)
    return PowerFit{static_cast<int>(exponent), {1.0}, 0.0};
  std::optional<PowerFit> best;
  int bestCost = 0;
  for (int power = 0; power <= exponent && power < 1 << 20; power++) {
    if (std::popcount(static_cast<unsigned>(power)) > 2) continue;
    const Grid grid = makeGrid(exponent, power);
    for (int degree = 1; degree <= maxDegree; degree++) {
      const int cost = degree + multiplications(power);
      if (best && cost >= bestCost) break;
      PowerFit candidate = fit(grid, power, degree, tolerance);
      if (candidate.error > tolerance) continue;
      best = std::move(candidate);
      bestCost = cost;
      break;
    }
  }
  return best;
}

}  // namespace mlts
