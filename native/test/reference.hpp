// The descriptor as the equations say it, in double precision and without any trick: what the kernels answer to.
#pragma once

#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "mlts/potential.hpp"

namespace reference {

using Vec3 = std::array<double, 3>;

struct Neighbour {
  Vec3 d;
  int atom, element;
};

inline double length(const Vec3& v) { return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

// All images within the cutoff of atom i, by trying every shift of up to `layers` cells.
inline std::vector<Neighbour> neighbours(const std::vector<Vec3>& x, const std::vector<int>& elements,
                                         const double* cell, const bool* pbc, int layers, int i, double cutoff) {
  std::vector<Neighbour> found;
  const auto range = [&](int k) { return cell && pbc[k] ? layers : 0; };
  for (int a = -range(0); a <= range(0); a++)
    for (int b = -range(1); b <= range(1); b++)
      for (int c = -range(2); c <= range(2); c++)
        for (int j = 0; j < static_cast<int>(x.size()); j++) {
          if (i == j && a == 0 && b == 0 && c == 0) continue;
          Vec3 d;
          for (int k = 0; k < 3; k++)
            d[k] = x[j][k] - x[i][k] + (cell ? a * cell[k] + b * cell[3 + k] + c * cell[6 + k] : 0.0);
          if (length(d) <= cutoff) found.push_back({d, j, elements[j]});
        }
  return found;
}

struct Cutoff {
  double f, df;
};
inline Cutoff cutoff(bool smooth, double r, double rc) {
  if (r >= rc) return {0, 0};
  if (!smooth) return {0.5 + 0.5 * std::cos(M_PI * r / rc), -M_PI / (2 * rc) * std::sin(M_PI * r / rc)};
  const double y = 1 - r * r / (rc * rc), f = std::exp(1 - 1 / y);
  return {f, -f * 2 * (r / rc) / (rc * y * y)};
}

inline std::size_t columns(const mlts::AniModel& m) {
  const std::size_t s = m.elements.size();
  return s * m.shiftsR.size() + s * (s + 1) / 2 * m.shiftsA.size() * m.sections.size();
}

// The environment vector of one center in the model's order; with `weights`, also v[n] = ∂(Σ weights·G)/∂d_n.
inline std::vector<double> descriptor(const mlts::AniModel& m, const std::vector<Neighbour>& near,
                                      const std::vector<double>* weights = nullptr, std::vector<Vec3>* v = nullptr) {
  const int s = static_cast<int>(m.elements.size()), nR = static_cast<int>(m.shiftsR.size());
  const int nA = static_cast<int>(m.shiftsA.size()), nZ = static_cast<int>(m.sections.size());
  std::vector<double> g(columns(m), 0.0);
  if (v) v->assign(near.size(), Vec3{0, 0, 0});
  for (std::size_t n = 0; n < near.size(); n++) {
    const double r = length(near[n].d);
    const Cutoff c = cutoff(m.smoothCutoff, r, m.radialCutoff);
    for (int k = 0; k < nR; k++) {
      const double x = r - m.shiftsR[k], e = 0.25 * std::exp(-m.etaR * x * x);
      const std::size_t column = static_cast<std::size_t>(near[n].element) * nR + k;
      g[column] += e * c.f;
      if (v)
        for (int a = 0; a < 3; a++)
          (*v)[n][a] += (*weights)[column] * e * (-2 * m.etaR * x * c.f + c.df) * near[n].d[a] / r;
    }
  }
  for (std::size_t p = 0; p < near.size(); p++) {
    for (std::size_t q = p + 1; q < near.size(); q++) {
      const double ru = length(near[p].d), rv = length(near[q].d);
      if (ru > m.angularCutoff || rv > m.angularCutoff) continue;
      const Cutoff fu = cutoff(m.smoothCutoff, ru, m.angularCutoff), fv = cutoff(m.smoothCutoff, rv, m.angularCutoff);
      Vec3 u, w;
      double c = 0;
      for (int a = 0; a < 3; a++) {
        u[a] = near[p].d[a] / ru;
        w[a] = near[q].d[a] / rv;
        c += u[a] * w[a];
      }
      const double theta = std::acos(0.95 * c);
      const int lo = std::min(near[p].element, near[q].element), hi = std::max(near[p].element, near[q].element);
      const std::size_t first =
          static_cast<std::size_t>(s) * nR + static_cast<std::size_t>(lo * s - lo * (lo - 1) / 2 + hi - lo) * nA * nZ;
      for (int a = 0; a < nA; a++) {
        for (int z = 0; z < nZ; z++) {
          const double h = 0.5 * (1 + std::cos(theta - m.sections[z])), x = 0.5 * (ru + rv) - m.shiftsA[a];
          const double f1 = std::pow(h, m.zeta), f2 = std::exp(-m.etaA * x * x);
          g[first + a * nZ + z] += 2 * f1 * f2 * fu.f * fv.f;
          if (!v) continue;
          const double weight = (*weights)[first + a * nZ + z];
          const double dc = 2 * fu.f * fv.f * f2 * 0.475 * m.zeta * std::pow(h, m.zeta - 1) *
                            std::sin(theta - m.sections[z]) / std::sin(theta);
          const double dr = -m.etaA * x * 2 * fu.f * fv.f * f1 * f2;
          for (int k = 0; k < 3; k++) {
            (*v)[p][k] += weight * (dc * (w[k] - c * u[k]) / ru + (dr + 2 * fu.df * fv.f * f1 * f2) * u[k]);
            (*v)[q][k] += weight * (dc * (u[k] - c * w[k]) / rv + (dr + 2 * fu.f * fv.df * f1 * f2) * w[k]);
          }
        }
      }
    }
  }
  return g;
}

// n values a, a + (b − a)/n, …
inline std::vector<double> spaced(double a, double b, int n) {
  std::vector<double> v;
  for (int k = 0; k < n; k++) v.push_back(a + k * (b - a) / n);
  return v;
}
inline std::vector<double> sections(int n) {
  std::vector<double> v;
  for (int z = 0; z < n; z++) v.push_back((z + 0.5) * M_PI / n);
  return v;
}

// Only the descriptor's part of a model.
inline mlts::AniModel model(int elements, double rcr, double rca, double etaR, int nR, double etaA, int nA, double zeta,
                            int nZ) {
  mlts::AniModel m{};
  for (int e = 0; e < elements; e++) m.elements.push_back(e + 1);
  m.members = 1;
  m.minDistance = 0.3;
  m.radialCutoff = rcr;
  m.angularCutoff = rca;
  m.etaR = etaR;
  m.etaA = etaA;
  m.zeta = zeta;
  m.shiftsR = spaced(0.8, rcr, nR);
  m.shiftsA = spaced(0.8, rca, nA);
  m.sections = sections(nZ);
  return m;
}

// Random atoms no two of which (images included where the cell is large enough) are closer than `apart`.
inline std::vector<Vec3> scatter(int n, double box, double apart, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, box);
  std::vector<Vec3> x;
  while (static_cast<int>(x.size()) < n) {
    const Vec3 p{uniform(random), uniform(random), uniform(random)};
    bool free = true;
    for (const Vec3& q : x) free &= length({p[0] - q[0], p[1] - q[1], p[2] - q[2]}) > apart;
    if (free) x.push_back(p);
  }
  return x;
}

}  // namespace reference
