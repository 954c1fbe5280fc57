// The ANI descriptor G of H C N O and products with its Jacobian J = dG/dR, for the eight members of an ensemble at
// once.
//
//   radial   G[s,k]       = sum_j 0.25 exp(-eta (r-R_k)^2) f(r)
//   angular  G[{s,t},a,z] = sum_{j<k} 2 [(1+cos(theta-Z_z))/2]^zeta exp(-eta ((r_j+r_k)/2-R_a)^2) f(r_j) f(r_k)
//   with cos(theta) replaced by 0.95 cos(theta) and f the cosine cutoff.
// Sources: doi:10.1039/C6SC05720A (form), doi:10.1021/acs.jcim.0c00451 (0.25, 0.95).
//
// Training on forces needs no second derivative of G: with g = dE/dG the forces are F = -J^T g, and the gradient of
// the loss in g is -J dL/dF. Both walk the triples of one atom; the members lie in the lanes of one vector.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int MEMBERS = 8, ELEMENTS = 4, RADIAL = 16, SHIFTS = 8, SECTIONS = 4, ANGULAR = SHIFTS * SECTIONS;
constexpr int COLUMNS = ELEMENTS * RADIAL + ELEMENTS * (ELEMENTS + 1) / 2 * ANGULAR;
using Lanes = float __attribute__((vector_size(4 * MEMBERS), aligned(4)));

constexpr int ZETA = 14;  // an integer, so that the power needs no logarithm

// Filled by Python (Descriptor.constants); Å, Å^-2, rad.
struct Constants {
  float radialCutoff, radialEta, angularCutoff, angularEta;
  float radialShifts[RADIAL], angularShifts[SHIFTS], cosSection[SECTIONS], sinSection[SECTIONS];
};

Lanes load(const float* x) {
  Lanes v;
  std::memcpy(&v, x, sizeof v);
  return v;
}
void add(float* x, Lanes v) {
  v += load(x);
  std::memcpy(x, &v, sizeof v);
}

// e^x for x <= 0, to 2 ulp: 2^n times a Taylor series on |r| <= ln2/2.
Lanes exponential(Lanes x) {
  using Ints = int __attribute__((vector_size(4 * MEMBERS)));
  x = x < -87.0f ? Lanes{} - 87.0f : x;
  const Ints n = __builtin_convertvector(x * 1.44269504f - 0.5f, Ints);  // truncation towards zero: nearest, as x <= 0
  const Lanes f = __builtin_convertvector(n, Lanes), r = x - f * 0.693359375f + f * 2.12194440e-4f;
  const Lanes p =
      1.0f + r * (1.0f + r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720))))));
  const Ints bits = (n + 127) << 23;
  Lanes scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

float power13(float h) {
  const float h2 = h * h, h4 = h2 * h2, h8 = h4 * h4;
  return h8 * h4 * h;
}

struct Neighbour {
  int index, element;
  float unit[3], r, f, df;  // unit vector from the centre, distance, cutoff function and its slope
};

float cutoff(float r, float limit) { return 0.5f * (std::cos(float(M_PI) * r / limit) + 1.0f); }
float cutoffSlope(float r, float limit) { return float(-0.5 * M_PI) / limit * std::sin(float(M_PI) * r / limit); }

// Neighbours of one atom within `limit`, in the order of the list (sorted by element).
void gather(const int64_t* first, const int* index, const float* vector, const int8_t* species, int64_t i, float limit,
            std::vector<Neighbour>& out) {
  out.clear();
  for (int64_t p = first[i]; p < first[i + 1]; ++p) {
    const float* d = vector + 3 * p;
    const float r = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    if (r >= limit) continue;
    out.push_back({int(p - first[i]),
                   species[index[p]],
                   {d[0] / r, d[1] / r, d[2] / r},
                   r,
                   cutoff(r, limit),
                   cutoffSlope(r, limit)});
  }
}

int block(int s, int t) { return ELEMENTS * RADIAL + (s * ELEMENTS - s * (s - 1) / 2 + t - s) * ANGULAR; }

// What one triple contributes: F1[z], dF1/dcos, F2[a] (with the factor 2), dF2/dr_j.
struct Triple {
  float cosine, f1[SECTIONS], d1[SECTIONS], f2[SHIFTS], d2[SHIFTS];
  Triple(const Neighbour& j, const Neighbour& k, const Constants& q) {
    cosine = j.unit[0] * k.unit[0] + j.unit[1] * k.unit[1] + j.unit[2] * k.unit[2];
    const float x = 0.95f * cosine, s = std::sqrt(1.0f - x * x);
    for (int z = 0; z < SECTIONS; ++z) {
      const float h = 0.5f * (1.0f + x * q.cosSection[z] + s * q.sinSection[z]), power = power13(h);
      f1[z] = power * h;
      d1[z] = 0.475f * ZETA * power * (s * q.cosSection[z] - x * q.sinSection[z]) / s;
    }
    const Lanes w = 0.5f * (j.r + k.r) - load(q.angularShifts), gauss = 2.0f * exponential(-q.angularEta * w * w);
    const Lanes slope = -q.angularEta * w * gauss;
    std::memcpy(f2, &gauss, sizeof f2);
    std::memcpy(d2, &slope, sizeof d2);
  }
};

// 0.25 exp(-eta (r-R_k)^2) f(r) and its derivative in r.
void radialTerms(const Neighbour& j, const Constants& q, float* value, float* slope) {
  for (int k = 0; k < RADIAL; k += 8) {
    const Lanes w = j.r - load(q.radialShifts + k), gauss = 0.25f * exponential(-q.radialEta * w * w);
    const Lanes v = gauss * j.f, s = gauss * (j.df - 2.0f * q.radialEta * w * j.f);
    std::memcpy(value + k, &v, sizeof v);
    std::memcpy(slope + k, &s, sizeof s);
  }
}

}  // namespace

extern "C" {

int columns() { return COLUMNS; }
int members() { return MEMBERS; }

// G[i,column] of atoms begin…end.
void describe(int64_t begin, int64_t end, const int64_t* first, const int* index, const float* vector,
              const int8_t* species, const Constants* q, float* G) {
#pragma omp parallel for schedule(dynamic, 64)
  for (int64_t i = begin; i < end; ++i) {
    std::vector<Neighbour> list;
    float value[RADIAL], slope[RADIAL];
    float* out = G + (i - begin) * COLUMNS;
    std::memset(out, 0, COLUMNS * sizeof(float));
    gather(first, index, vector, species, i, q->radialCutoff, list);
    for (const Neighbour& j : list) {
      radialTerms(j, *q, value, slope);
      for (int k = 0; k < RADIAL; ++k) out[j.element * RADIAL + k] += value[k];
    }
    gather(first, index, vector, species, i, q->angularCutoff, list);
    for (size_t j = 0; j < list.size(); ++j)
      for (size_t k = j + 1; k < list.size(); ++k) {
        const Triple t(list[j], list[k], *q);
        float* part = out + block(list[j].element, list[k].element);
        for (int a = 0; a < SHIFTS; ++a)
          for (int z = 0; z < SECTIONS; ++z) part[a * SECTIONS + z] += list[j].f * list[k].f * t.f2[a] * t.f1[z];
      }
  }
}

// F[row,3,member] = -J^T g of `count` frames: atoms start[b]…stop[b], rows from row[b]; g[row,column,member].
void forces(int64_t count, const int64_t* start, const int64_t* stop, const int64_t* row, const int64_t* first,
            const int* index, const float* vector, const int8_t* species, const Constants* q, const float* g,
            float* F) {
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t b = 0; b < count; ++b) {
    std::vector<Neighbour> list;
    std::vector<float> slopes;  // dE/d(neighbour vector) [neighbour,3,member]
    float value[RADIAL], slope[RADIAL];
    float* out = F + row[b] * 3 * MEMBERS;
    std::memset(out, 0, size_t(stop[b] - start[b]) * 3 * MEMBERS * sizeof(float));
    for (int64_t i = start[b]; i < stop[b]; ++i) {
      const float* gi = g + (row[b] + i - start[b]) * COLUMNS * MEMBERS;
      auto pull = [&](const Neighbour& j, int x, Lanes v) {
        add(out + ((index[first[i] + j.index] - start[b]) * 3 + x) * MEMBERS, -v);
        add(out + ((i - start[b]) * 3 + x) * MEMBERS, v);
      };
      gather(first, index, vector, species, i, q->radialCutoff, list);
      for (const Neighbour& j : list) {
        radialTerms(j, *q, value, slope);
        Lanes sum{};
        for (int k = 0; k < RADIAL; ++k) sum += slope[k] * load(gi + (j.element * RADIAL + k) * MEMBERS);
        for (int x = 0; x < 3; ++x) pull(j, x, sum * j.unit[x]);
      }
      gather(first, index, vector, species, i, q->angularCutoff, list);
      slopes.assign(list.size() * 3 * MEMBERS, 0.0f);
      for (size_t m = 0; m < list.size(); ++m)
        for (size_t n = m + 1; n < list.size(); ++n) {
          const Neighbour &j = list[m], &k = list[n];
          const Triple t(j, k, *q);
          const float* part = gi + block(j.element, k.element) * MEMBERS;
          Lanes both{}, byRadius{}, byCosine{};
          for (int a = 0; a < SHIFTS; ++a) {
            Lanes plain{}, turned{};
            for (int z = 0; z < SECTIONS; ++z) {
              const Lanes v = load(part + (a * SECTIONS + z) * MEMBERS);
              plain += t.f1[z] * v;
              turned += t.d1[z] * v;
            }
            both += t.f2[a] * plain;
            byRadius += t.d2[a] * plain;
            byCosine += t.f2[a] * turned;
          }
          byRadius *= j.f * k.f;
          byCosine *= j.f * k.f;
          const Lanes alongJ = j.df * k.f * both + byRadius, alongK = j.f * k.df * both + byRadius;
          for (int x = 0; x < 3; ++x) {
            add(&slopes[(3 * m + x) * MEMBERS],
                alongJ * j.unit[x] + byCosine * ((k.unit[x] - t.cosine * j.unit[x]) / j.r));
            add(&slopes[(3 * n + x) * MEMBERS],
                alongK * k.unit[x] + byCosine * ((j.unit[x] - t.cosine * k.unit[x]) / k.r));
          }
        }
      for (size_t m = 0; m < list.size(); ++m)
        for (int x = 0; x < 3; ++x) pull(list[m], x, load(&slopes[(3 * m + x) * MEMBERS]));
    }
  }
}

// u[row,column,member] = J moved for moved[row,3,member], frames as in `forces`.
void tangents(int64_t count, const int64_t* start, const int64_t* stop, const int64_t* row, const int64_t* first,
              const int* index, const float* vector, const int8_t* species, const Constants* q, const float* moved,
              float* u) {
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t b = 0; b < count; ++b) {
    std::vector<Neighbour> list;
    float value[RADIAL], slope[RADIAL];
    for (int64_t i = start[b]; i < stop[b]; ++i) {
      const float* own = moved + (row[b] + i - start[b]) * 3 * MEMBERS;
      float* out = u + (row[b] + i - start[b]) * COLUMNS * MEMBERS;
      std::memset(out, 0, COLUMNS * MEMBERS * sizeof(float));
      auto relative = [&](const Neighbour& j, int x) {
        return load(moved + ((row[b] + index[first[i] + j.index] - start[b]) * 3 + x) * MEMBERS) -
               load(own + x * MEMBERS);
      };
      gather(first, index, vector, species, i, q->radialCutoff, list);
      for (const Neighbour& j : list) {
        radialTerms(j, *q, value, slope);
        Lanes along{};
        for (int x = 0; x < 3; ++x) along += j.unit[x] * relative(j, x);
        for (int k = 0; k < RADIAL; ++k) add(out + (j.element * RADIAL + k) * MEMBERS, slope[k] * along);
      }
      gather(first, index, vector, species, i, q->angularCutoff, list);
      for (size_t m = 0; m < list.size(); ++m)
        for (size_t n = m + 1; n < list.size(); ++n) {
          const Neighbour &j = list[m], &k = list[n];
          const Triple t(j, k, *q);
          float* part = out + block(j.element, k.element) * MEMBERS;
          Lanes both{}, byRadius{}, byCosine{};
          for (int x = 0; x < 3; ++x) {
            const Lanes dj = relative(j, x), dk = relative(k, x);
            both += j.df * k.f * j.unit[x] * dj + j.f * k.df * k.unit[x] * dk;
            byRadius += j.f * k.f * (j.unit[x] * dj + k.unit[x] * dk);
            byCosine += j.f * k.f *
                        ((k.unit[x] - t.cosine * j.unit[x]) / j.r * dj + (j.unit[x] - t.cosine * k.unit[x]) / k.r * dk);
          }
          for (int a = 0; a < SHIFTS; ++a) {
            const Lanes plain = t.f2[a] * both + t.d2[a] * byRadius, turned = t.f2[a] * byCosine;
            for (int z = 0; z < SECTIONS; ++z)
              add(part + (a * SECTIONS + z) * MEMBERS, t.f1[z] * plain + t.d1[z] * turned);
          }
        }
    }
  }
}
}
