// Neighbour lists against all pairs and all images, every instruction set.
#include <algorithm>

#include "../src/engine/dispatch.hpp"
#include "../src/neighbours/center_block.hpp"
#include "check.hpp"
#include "reference.hpp"

using namespace mlts;
using reference::Vec3;

namespace {

struct Sample {
  std::vector<Vec3> x;
  std::vector<int> elements;
  std::array<double, 9> cell{};
  bool pbc[3] = {};
  int owned = -1;  // −1: all

  bool periodic() const { return pbc[0] || pbc[1] || pbc[2]; }
  ListInput input(int elementCount) const {
    const int n = static_cast<int>(x.size());
    return {n,
            owned < 0 ? n : owned,
            elements.data(),
            elementCount,
            n ? x[0].data() : nullptr,
            periodic() ? cell.data() : nullptr,
            {pbc[0], pbc[1], pbc[2]}};
  }
};

// Compares neighbours within the cutoff; a pair within rounding of it may be on either side.
template <class T>
int mismatches(const std::vector<reference::Neighbour>& want, const Center<T>& got, int count, double cutoff) {
  std::vector<char> used(count, 0);
  int wrong = 0;
  for (const auto& w : want) {
    bool found = false;
    for (int k = 0; k < count && !found; k++) {
      if (used[k] || got.atom[k] != w.atom) continue;
      if (std::fabs(got.dx[k] - w.d[0]) > 1e-5 || std::fabs(got.dy[k] - w.d[1]) > 1e-5 ||
          std::fabs(got.dz[k] - w.d[2]) > 1e-5)
        continue;
      used[k] = found = true;
    }
    if (!found && reference::length(w.d) < cutoff - 1e-5) wrong++;
  }
  for (int k = 0; k < count; k++)
    if (!used[k] && got.r[k] < cutoff - 1e-5) wrong++;
  return wrong;
}

struct Cutoffs {
  double radial = 5.2, angular = 3.5;
};

template <class T>
Descriptor<T> descriptorOf(int elements, const Cutoffs& cutoffs) {
  Descriptor<T> d{};
  d.elements = elements;
  d.radialCutoff = static_cast<T>(cutoffs.radial);
  d.angularCutoff = static_cast<T>(cutoffs.angular);
  return d;
}

// Every center of `list` against all images of up to `layers` cells.
template <class T>
void compare(const Sample& s, const VerletList& list, const Kernels<T>& kernels, int elementCount, int layers,
             const std::string& what, ThreadPool& pool, const Cutoffs& cutoffs = {}) {
  const Descriptor<T> d = descriptorOf<T>(elementCount, cutoffs);
  CenterBlock<T> block;
  std::vector<CenterRef> refs;
  constexpr int firstAtom = 7;  // as if other systems came before
  for (int c = 0; c < list.centers(); c++) refs.push_back({&list, c, firstAtom});
  block.build(refs.data(), static_cast<int>(refs.size()), d, kernels.neighbours, pool);
  int wrong = 0;
  std::vector<char> seen(s.x.size(), 0);
  for (int c = 0; c < list.centers(); c++) {
    const Center<T>& center = block.center(c);
    const int i = center.self - firstAtom, count = center.segment[2 * elementCount];
    wrong += seen[i]++ != 0 || block.elements()[c] != s.elements[i];
    std::vector<std::int32_t> atoms(center.atom, center.atom + count);
    for (auto& a : atoms) a -= firstAtom;
    Center<T> shifted = center;
    shifted.atom = atoms.data();
    wrong += mismatches(reference::neighbours(s.x, s.elements, s.periodic() ? s.cell.data() : nullptr, s.pbc, layers, i,
                                              cutoffs.radial),
                        shifted, count, cutoffs.radial);
    T nearest = 0;
    bool angularPair = false;
    int inner = 0;
    for (int e = 0; e < elementCount; e++) {
      for (int k = center.segment[2 * e]; k < center.segment[2 * e + 2]; k++) {
        const bool angular = k < center.segment[2 * e + 1];
        wrong += s.elements[atoms[k]] != e || angular != (center.r[k] <= d.angularCutoff);
        inner += angular;
      }
      wrong += block.masks()[c].test(e) != (center.segment[2 * e + 2] > center.segment[2 * e]);
    }
    for (int e = 0; e < elementCount; e++)
      for (int f = e; f < elementCount; f++) {
        const int a = center.segment[2 * e + 1] - center.segment[2 * e],
                  b = center.segment[2 * f + 1] - center.segment[2 * f];
        angularPair = e == f ? a >= 2 : a * b > 0;
        wrong += block.masks()[c].test(elementCount + d.pair(e, f)) != angularPair;
      }
    wrong += block.triples(c) != static_cast<std::uint32_t>(inner * (inner - 1) / 2);
    for (int k = 0; k < count; k++)
      if (k == 0 || center.r[k] < nearest) nearest = center.r[k];
    wrong += count ? block.nearest(c) != nearest : !(block.nearest(c) > d.radialCutoff);
    for (int k = count; k < count + blockWidth; k++)
      wrong += !(center.r[k] > d.radialCutoff) || !std::isfinite(center.dx[k] + center.dy[k] + center.dz[k]);
  }
  const int owned = s.owned < 0 ? static_cast<int>(s.x.size()) : s.owned;
  for (int i = 0; i < static_cast<int>(s.x.size()); i++) wrong += seen[i] != (i < owned);
  check::report(wrong == 0, __FILE__, __LINE__, what + ": " + std::to_string(wrong) + " mismatches");
}

void compareAll(const Sample& s, int elementCount, int layers, const std::string& what, double skin = 0) {
  ThreadPool pool(2);
  for (const std::string& isa : availableIsas()) {
    const IsaKernels& kernels = selectKernels(isa);
    VerletList list;
    CHECK(list.update(s.input(elementCount), Cutoffs{}.radial, skin, kernels.single->neighbours.within, &pool));
    compare(s, list, *kernels.single, elementCount, layers, isa + " float " + what, pool);
    compare(s, list, *kernels.double_, elementCount, layers, isa + " double " + what, pool);
  }
}

std::vector<int> someElements(std::size_t n, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int> e(n);
  for (int& x : e) x = static_cast<int>(random() % count);
  return e;
}

// A right-handed cell with edges of about `edge`, skewed by up to `skew` of it.
std::array<double, 9> someCell(double edge, double skew, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> u(-skew * edge, skew * edge);
  std::array<double, 9> cell;
  for (int k = 0; k < 9; k++) cell[k] = (k % 4 == 0 ? edge : 0.0) + u(random);
  return cell;
}

Sample randomSample(int n, double edge, double skew, int pbcBits, int elementCount, unsigned seed) {
  Sample s;
  s.cell = someCell(edge, skew, seed);
  std::mt19937 random(seed + 100);
  std::uniform_real_distribution<double> u(-1.3, 2.1);  // far outside of the cell as well
  for (int i = 0; i < n; i++) {
    const double f[3] = {u(random), u(random), u(random)};
    Vec3 x{};
    for (int k = 0; k < 3; k++)
      for (int a = 0; a < 3; a++) x[a] += f[k] * s.cell[3 * k + a];
    s.x.push_back(x);
  }
  for (int k = 0; k < 3; k++) s.pbc[k] = pbcBits >> k & 1;
  s.elements = someElements(n, elementCount, seed);
  return s;
}

}  // namespace

TEST(every_mixture_of_periodic_axes_and_any_cell) {
  for (int pbc = 0; pbc < 8; pbc++) {
    compareAll(randomSample(40, 9.0, 0.0, pbc, 3, 10 + pbc), 3, 4, "orthogonal, pbc " + std::to_string(pbc));
    compareAll(randomSample(40, 9.0, 0.35, pbc, 3, 30 + pbc), 3, 7, "triclinic, pbc " + std::to_string(pbc), 0.7);
  }
}

TEST(cells_smaller_than_the_cutoff) {
  for (int pbc : {7, 5, 1}) {
    compareAll(randomSample(3, 2.9, 0.25, pbc, 2, 50 + pbc), 2, 9, "small, pbc " + std::to_string(pbc), 0.4);
    compareAll(randomSample(1, 2.1, 0.2, pbc, 1, 60 + pbc), 1, 9, "one atom, pbc " + std::to_string(pbc));
  }
}

TEST(one_atom_and_pairs_far_apart) {
  Sample one;
  one.x = {{3, 4, 5}};
  one.elements = {0};
  compareAll(one, 1, 0, "one atom");
  Sample far;
  far.x = {{0, 0, 0}, {1, 0, 0}, {1e7, 1e7, -1e7}, {1e7, 1e7 + 1, -1e7}, {-3e5, 2, 8e6}, {5.1999, 0, 0}};
  far.elements = {0, 0, 0, 0, 0, 0};
  compareAll(far, 1, 0, "far apart");
}

// Molecules spread over a volume whose cells could not all be stored.
TEST(sparse_gas) {
  Sample gas;
  std::mt19937 random(3);
  std::uniform_real_distribution<double> where(-4e3, 4e3), near(-2, 2);
  for (int m = 0; m < 60; m++) {
    const Vec3 o{where(random), where(random), where(random)};
    for (int i = 0; i < 4; i++) gas.x.push_back({o[0] + near(random), o[1] + near(random), o[2] + near(random)});
  }
  gas.elements = someElements(gas.x.size(), 2, 4);
  compareAll(gas, 2, 0, "sparse gas");
}

TEST(domains_have_owned_centers_only) {
  for (int owned : {0, 1, 25, 80}) {
    Sample s = randomSample(80, 12.0, 0.0, 0, 2, 70);
    s.owned = owned;
    compareAll(s, 2, 0, "domain of " + std::to_string(owned), 0.5);
  }
}

TEST(list_is_kept_while_it_is_valid) {
  ThreadPool pool(2);
  for (const std::string& isa : availableIsas()) {
    const IsaKernels& kernels = selectKernels(isa);
    Sample s = randomSample(150, 13.0, 0.3, 7, 2, 80);
    VerletList list;
    std::mt19937 random(6);
    std::normal_distribution<double> step(0, 0.02);
    int rebuilds = 0, steps = 60;
    for (int t = 0; t < steps; t++) {
      rebuilds += list.update(s.input(2), Cutoffs{}.radial, 0.8, kernels.single->neighbours.within, &pool);
      // After a few quiet steps, and right after each wrap. Brute force over all images is slow.
      if (t % 10 == 4 || t % 10 == 6 || t % 10 == 9)
        compare(s, list, *kernels.single, 2, 5, isa + " step " + std::to_string(t), pool);
      for (Vec3& x : s.x)
        for (double& c : x) c += step(random);
      const double swell = 1 + 2e-4 * (t % 7 - 3);  // a barostat's strain
      for (double& c : s.cell) c *= swell;
      for (Vec3& x : s.x)
        for (double& c : x) c *= swell;
      if (t % 10 == 5)  // the engine wraps an atom
        for (int k = 0; k < 3; k++) s.x[t][k] -= s.cell[3 * (t % 3) + k];
      if (t % 10 == 8)
        for (int a = 0; a < 3; a++) s.x[t + 1][a] += 2 * s.cell[a] - s.cell[6 + a];
    }
    CHECK(rebuilds > 1 && rebuilds < steps / 3);
    CHECK(list.builds() == rebuilds);
  }
}

TEST(a_sheared_cell_alone_makes_a_rebuild) {
  ThreadPool pool(1);
  Sample s = randomSample(60, 11.0, 0.0, 7, 1, 90);
  const auto within = selectKernels("").single->neighbours.within;
  VerletList list;
  list.update(s.input(1), 5.2, 0.6, within, &pool);
  for (int t = 0; t < 12; t++) {  // atoms follow the cell, so that only the strain can tell
    Sample before = s;
    const double shear = 0.02;
    for (int k = 0; k < 3; k++) s.cell[3 * k] += shear * s.cell[3 * k + 1];
    for (Vec3& x : s.x) x[0] += shear * x[1];
    list.update(s.input(1), 5.2, 0.6, within, &pool);
    compare(s, list, *selectKernels("").single, 1, 5, "shear " + std::to_string(t), pool);
  }
  CHECK(list.builds() > 1);
}

TEST(another_system_makes_a_rebuild) {
  ThreadPool pool(1);
  const auto within = selectKernels("").single->neighbours.within;
  Sample s = randomSample(30, 10.0, 0.1, 7, 2, 95);
  VerletList list;
  const auto update = [&](double cutoff = 5.2, double skin = 0.5) {
    return list.update(s.input(2), cutoff, skin, within, &pool);
  };
  CHECK(update());
  CHECK(!update());
  s.elements[3] ^= 1;
  CHECK(update());
  s.pbc[1] = false;
  CHECK(update());
  s.owned = 20;
  CHECK(update());
  CHECK(update(5.3));
  CHECK(update(5.3, 0.4));
  s.x.push_back({1, 2, 3});
  s.elements.push_back(0);
  CHECK(update(5.3, 0.4));
  CHECK(!update(5.3, 0.4));
  CHECK(update(5.3, 0));
  CHECK(update(5.3, 0));  // without a skin nothing is kept
}

TEST(results_do_not_depend_on_the_number_of_threads) {
  const Sample s = randomSample(3000, 32.0, 0.1, 7, 2, 97);
  const IsaKernels& kernels = selectKernels("");
  std::vector<float> first;
  for (int threads : {1, 2, 3}) {
    ThreadPool pool(threads);
    VerletList list;
    list.update(s.input(2), 5.2, 0.5, kernels.single->neighbours.within, &pool);
    std::vector<CenterRef> refs;
    for (int c = 0; c < list.centers(); c++) refs.push_back({&list, c, 0});
    CenterBlock<float> block;
    block.build(refs.data(), list.centers(), descriptorOf<float>(2, {}), kernels.single->neighbours, pool);
    std::vector<float> all;
    for (int c = 0; c < list.centers(); c++) {
      all.push_back(static_cast<float>(block.center(c).self));
      all.insert(all.end(), block.center(c).dx, block.center(c).dx + block.center(c).segment[4]);
    }
    if (first.empty()) first = all;
    CHECK(all == first);
  }
}

TEST(cells_that_cannot_be_used) {
  ThreadPool pool(1);
  const auto within = selectKernels("").single->neighbours.within;
  VerletList list;
  const auto with = [&](std::array<double, 9> cell, int pbcBits) {
    Sample s = randomSample(4, 5.0, 0.0, pbcBits, 1, 99);
    s.cell = cell;
    list.update(s.input(1), 5.2, 0.5, within, &pool);
  };
  CHECK_THROWS(with({5, 0, 0, 0, 5, 0, 5, 5, 0}, 7), "E_CELL");   // singular
  CHECK_THROWS(with({5, 0, 0, 0, 5, 0, 0, 0, -5}, 7), "E_CELL");  // left-handed
  CHECK_THROWS(with({5, 0, 0, 0, 0, 0, 0, 0, 5}, 7), "E_CELL");   // a zero vector
  CHECK_THROWS(with({5, 0, 0, 10, 0, 0, 0, 0, 5}, 3), "E_CELL");  // parallel
  CHECK_THROWS(with({5, 0, 0, 0, NAN, 0, 0, 0, 5}, 7), "E_CELL");
  CHECK_THROWS(with({0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01}, 7), "E_LIMIT");
  with({5, 0, 0, 0, 5, 0, 0, 0, 0}, 3);  // a slab without a third vector
  CHECK(list.centers() == 4);
}

int main() { return check::main(); }
