// Descriptor kernels of every instruction set and precision against the equations, and the equations against
// finite differences and the worked example of the specification.
#include <cstring>

#include "../src/engine/dispatch.hpp"
#include "../src/kernels/descriptor_constants.hpp"
#include "../src/neighbours/center_block.hpp"
#include "check.hpp"
#include "reference.hpp"

using namespace mlts;
using reference::Vec3;

namespace {

struct Atoms {
  std::vector<Vec3> x;
  std::vector<int> elements;
};

Atoms someAtoms(int n, int elements, double box, double apart, unsigned seed) {
  Atoms a{reference::scatter(n, box, apart, seed), {}};
  std::mt19937 random(seed + 1);
  for (int i = 0; i < n; i++) a.elements.push_back(static_cast<int>(random() % elements));
  return a;
}

// One molecule through the kernels: descriptor matrix of all atoms in tiles, and the backward pass for given weights.
template <class T>
struct Run {
  const AniModel& model;
  const Kernels<T>& kernels;
  DescriptorConstants<T> constants;
  ThreadPool pool{1};
  VerletList list;
  CenterBlock<T> block;
  std::vector<int> centerOf;  // [atom]
  Buffer<T> x, scratch;
  std::vector<std::int16_t> position, active;
  int n;

  Run(const AniModel& m, const Kernels<T>& k, const Atoms& atoms)
      : model(m), kernels(k), constants(m), n(static_cast<int>(atoms.x.size())) {
    const ListInput input{n,       n, atoms.elements.data(), static_cast<int>(m.elements.size()), atoms.x[0].data(),
                          nullptr, {}};
    list.update(input, m.radialCutoff, 0, kernels.neighbours.within, nullptr);
    std::vector<CenterRef> refs;
    centerOf.resize(n);
    for (int c = 0; c < n; c++) {
      refs.push_back({&list, c, 0});
      centerOf[list.atom(c)] = c;
    }
    block.build(refs.data(), n, constants.view(), kernels.neighbours, pool);
    for (int b = 0; b < constants.view().blocks; b++) {  // every block active, in reverse, so that positions matter
      position.push_back(static_cast<std::int16_t>(constants.view().blocks - 1 - b));
      active.push_back(static_cast<std::int16_t>(b));
    }
    x.reserve(static_cast<std::size_t>(n) * constants.view().blocks * blockWidth);
    std::memset(x.data(), 0xff, x.bytes());  // NaN: every column must be written
  }

  std::size_t at(int row, int b, int lane) const {
    return (static_cast<std::size_t>(position[b]) * n + row) * blockWidth + lane;
  }
  void reserveScratch(int members) {
    const std::size_t bytes = kernels.descriptor.scratchBytes(constants.view(), block.mostNeighbours(), members);
    scratch.reserve(bytes / sizeof(T) + 1);
    std::memset(scratch.data(), 0xff, scratch.bytes());  // nothing may be read before it is written
  }
  void forward() {
    reserveScratch(1);
    for (int i = 0; i < n; i++)
      kernels.descriptor.forward(constants.view(), block.center(centerOf[i]), position.data(), active.data(),
                                 static_cast<int>(active.size()), x.data(), n, i, scratch.data());
  }
  double value(int atom, int column) const {
    for (int b = 0; b < constants.view().blocks; b++)
      for (int lane = 0; lane < blockWidth; lane++)
        if (constants.column(b, lane) == column) return x[at(atom, b, lane)];
    return NAN;
  }
};

std::vector<double> equations(const AniModel& m, const Atoms& atoms, int i,
                              const std::vector<double>* weights = nullptr, std::vector<Vec3>* v = nullptr,
                              std::vector<reference::Neighbour>* near = nullptr) {
  const bool none[3] = {};
  const auto found = reference::neighbours(atoms.x, atoms.elements, nullptr, none, 0, i, m.radialCutoff);
  if (near) *near = found;
  return reference::descriptor(m, found, weights, v);
}

template <class F>
void everyIsa(F body) {
  for (const std::string& isa : availableIsas()) {
    body(*selectKernels(isa).single, isa);
    body(*selectKernels(isa).double_, isa);
  }
}

// Environment vectors of all atoms.
std::vector<std::vector<double>> expectedForward(const AniModel& m, const Atoms& atoms) {
  std::vector<std::vector<double>> g;
  for (int i = 0; i < static_cast<int>(atoms.x.size()); i++) g.push_back(equations(m, atoms, i));
  return g;
}

template <class T>
void checkForward(const AniModel& m, const Kernels<T>& kernels, const Atoms& atoms,
                  const std::vector<std::vector<double>>& expected, const std::string& what) {
  Run<T> run(m, kernels, atoms);
  run.forward();
  const double tolerance = sizeof(T) == 4 ? 4e-6 : 1e-12;  // of 1 + |G|
  constexpr double zero = 1e-25;                           // padding may hold what an exponential leaves of it
  double worst = 0;
  int misplaced = 0;
  for (int i = 0; i < run.n; i++) {
    const auto& want = expected[i];
    std::vector<int> seen(want.size(), 0);
    for (int b = 0; b < run.constants.view().blocks; b++) {
      for (int lane = 0; lane < blockWidth; lane++) {
        const int column = run.constants.column(b, lane);
        const double got = run.x[run.at(i, b, lane)];
        if (column < 0) {
          misplaced += !(std::fabs(got) < zero);
          continue;
        }
        seen[column]++;
        const double error = std::fabs(got - want[column]) / (1 + std::fabs(want[column]));
        if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
      }
    }
    for (int count : seen) misplaced += count != 1;
  }
  check::report(worst <= tolerance && misplaced == 0, __FILE__, __LINE__,
                what + (sizeof(T) == 4 ? " float" : " double") + ": worst " + std::to_string(worst * 1e9) + "e-9, " +
                    std::to_string(misplaced) + " columns misplaced");
}

// What follows from given weights of each member's columns of each atom.
struct ExpectedBackward {
  int members;
  std::vector<std::vector<std::vector<double>>> weights;  // [member][atom][column], floats
  std::vector<double> forces, virial, virials;            // [member][atom][3], [member][9], [atom][9] of the mean

  ExpectedBackward(const AniModel& m, const Atoms& atoms, int members_)
      : members(members_), weights(members_), virial(members_ * 9, 0.0) {
    const int n = static_cast<int>(atoms.x.size());
    forces.assign(static_cast<std::size_t>(members) * n * 3, 0.0);
    virials.assign(n * 9, 0.0);
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (int k = 0; k < members; k++) {
      for (int i = 0; i < n; i++) {
        weights[k].emplace_back(reference::columns(m));
        for (double& w : weights[k][i]) w = normal(random);
        std::vector<Vec3> v;
        std::vector<reference::Neighbour> near;
        equations(m, atoms, i, &weights[k][i], &v, &near);
        for (std::size_t p = 0; p < near.size(); p++) add(k, n, i, near[p], v[p]);
      }
    }
  }
  void add(int k, int n, int i, const reference::Neighbour& near, const Vec3& v) {
    for (int a = 0; a < 3; a++) {
      forces[(static_cast<std::size_t>(k) * n + near.atom) * 3 + a] -= v[a];
      forces[(static_cast<std::size_t>(k) * n + i) * 3 + a] += v[a];
      for (int b = 0; b < 3; b++) {
        virial[k * 9 + 3 * a + b] -= near.d[a] * v[b];
        virials[near.atom * 9 + 3 * a + b] -= near.d[a] * v[b] / members;
      }
    }
  }
};

template <class T>
void checkBackward(const AniModel& m, const Kernels<T>& kernels, const Atoms& atoms, const ExpectedBackward& expected,
                   const std::string& what) {
  Run<T> run(m, kernels, atoms);
  const int n = run.n, members = expected.members;
  const int lanes = members == 1 ? 1 : (members + memberLanes - 1) / memberLanes * memberLanes;
  const int stride = members == 1 ? 4 : 3 * lanes;
  std::vector<Buffer<T>> gradients(members);
  std::vector<const T*> pointers;
  for (int k = 0; k < members; k++) {
    T* g = gradients[k].reserve(run.x.size());
    std::memset(g, 0, gradients[k].bytes());
    pointers.push_back(g);
    for (int i = 0; i < n; i++)
      for (int b = 0; b < run.constants.view().blocks; b++)
        for (int lane = 0; lane < blockWidth; lane++)
          if (const int column = run.constants.column(b, lane); column >= 0)
            g[run.at(i, b, lane)] = static_cast<T>(expected.weights[k][i][column]);
  }
  run.reserveScratch(members);
  Buffer<T> forces(static_cast<std::size_t>(n) * stride), virials(static_cast<std::size_t>(n) * 9);
  std::vector<double> virial(9 * lanes, 0.0);
  std::memset(forces.data(), 0, forces.bytes());
  std::memset(virials.data(), 0, virials.bytes());
  for (int i = 0; i < n; i++)
    run.kernels.descriptor.backward(run.constants.view(), run.block.center(run.centerOf[i]), run.position.data(),
                                    pointers.data(), members, n, i, {forces.data(), virial.data(), virials.data()},
                                    run.scratch.data());
  const double tolerance = sizeof(T) == 4 ? 2e-4 : 1e-11;  // of 1 + |F|
  double worst = 0, worstVirial = 0;
  const auto note = [](double& largest, double got, double want) {
    const double error = std::fabs(got - want) / (1 + std::fabs(want));
    if (!(error <= largest)) largest = std::isnan(error) ? INFINITY : error;
  };
  for (int k = 0; k < members; k++) {
    for (int i = 0; i < n; i++)
      for (int a = 0; a < 3; a++)
        note(worst, forces[members == 1 ? i * 4 + a : static_cast<std::size_t>(i) * stride + a * lanes + k],
             expected.forces[(static_cast<std::size_t>(k) * n + i) * 3 + a]);
    for (int c = 0; c < 9; c++) note(worstVirial, virial[c * lanes + k], expected.virial[k * 9 + c]);
  }
  for (int i = 0; i < n * 9; i++) note(worstVirial, virials[i], expected.virials[i]);
  check::report(worst <= tolerance && worstVirial <= 5 * tolerance, __FILE__, __LINE__,
                what + (sizeof(T) == 4 ? " float" : " double") + ", " + std::to_string(members) +
                    " members: worst force " + std::to_string(worst * 1e9) + "e-9, virial " +
                    std::to_string(worstVirial * 1e9) + "e-9");
}

struct Case {
  const char* name;
  AniModel model;
  Atoms atoms;
};

AniModel nonUniform() {
  AniModel m = reference::model(2, 5.0, 4.0, 12.0, 21, 7.0, 5, 9.3, 6);
  m.shiftsA = {0.9, 1.3, 2.0, 2.4, 3.3};
  m.sections = {1.1, 0.2, 0.7, 2.9, 1.9, 2.3};  // out of order as well
  return m;
}
AniModel smooth(AniModel m) {
  m.smoothCutoff = true;
  return m;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"(8,4)", reference::model(3, 5.1, 3.5, 19.7, 16, 12.5, 8, 14.1, 4), someAtoms(40, 3, 7.5, 0.9, 1)});
  all.push_back({"(4,8)", reference::model(4, 5.2, 3.5, 16.0, 16, 8.0, 4, 32.0, 8), someAtoms(30, 4, 6.5, 0.9, 2)});
  all.push_back({"(8,8)", reference::model(1, 7.0, 5.0, 43.9, 32, 6.5, 8, 69.4, 8), someAtoms(60, 1, 9.0, 1.8, 3)});
  all.push_back(
      {"smooth", smooth(reference::model(2, 5.1, 3.5, 19.7, 16, 12.5, 8, 14.1, 4)), someAtoms(30, 2, 6.0, 0.9, 4)});
  all.push_back({"non-uniform", nonUniform(), someAtoms(25, 2, 6.0, 0.9, 5)});
  all.push_back({"(16,12)", reference::model(2, 5.1, 4.5, 19.7, 10, 35.0, 16, 4.6, 12), someAtoms(20, 2, 5.0, 0.9, 6)});
  all.push_back({"(1,1)", reference::model(1, 4.0, 4.0, 4.0, 1, 4.0, 1, 1.0, 1), someAtoms(12, 1, 4.0, 0.9, 7)});
  all.push_back({"(3,7)", reference::model(1, 6.0, 5.0, 16.0, 5, 4.0, 3, 52.7, 7), someAtoms(60, 1, 7.0, 1.2, 8)});
  all.push_back(
      {"lone pair", reference::model(2, 5.1, 3.5, 19.7, 16, 12.5, 8, 14.1, 4), {{{0, 0, 0}, {1.1, 0, 0}}, {0, 1}}});
  all.push_back({"collinear",
                 reference::model(2, 5.1, 3.5, 19.7, 16, 12.5, 8, 14.1, 4),
                 {{{0, 0, 0}, {1.1, 0, 0}, {-1.2, 0, 0}, {2.3, 0, 0}}, {0, 1, 0, 1}}});
  return all;
}

}  // namespace

TEST(worked_example_of_the_specification) {
  AniModel m = reference::model(2, 5.0, 3.5, 16.0, 2, 8.0, 2, 32.0, 2);
  m.shiftsR = {0.9, 1.5};
  m.shiftsA = {0.9, 1.55};
  m.sections = {M_PI / 4, 3 * M_PI / 4};
  const Atoms atoms{{{0, 0, 0}, {1, 0, 0}, {0, 1.2, 0}}, {0, 1, 0}};
  const double want[3][12] = {
      {0.0512050827, 0.0512050827, 0.1926928245, 0.0041416628, 0, 0, 0, 0, 0.0054737664, 0.0054737664, 0.0014917754,
       0.0014917754},
      {0.1928678795, 0.1869985736, 0, 0, 0.2583273010, 3.6e-9, 0.4626112424, 6.4e-9, 0, 0, 0, 0},
      {0.0512050827, 0.0512050827, 0.0001750550, 0.1828569109, 0, 0, 0, 0, 0.1340352984, 0, 0.6790962358, 1e-10}};
  for (int i = 0; i < 3; i++)
    for (int c = 0; c < 16; c++) CHECK_CLOSE(equations(m, atoms, i)[c], c < 12 ? want[i][c] : 0.0, 1e-9, 0);
  everyIsa([&]<class T>(const Kernels<T>& kernels, const std::string&) {
    Run<T> run(m, kernels, atoms);
    run.forward();
    for (int i = 0; i < 3; i++)
      for (int c = 0; c < 16; c++) CHECK_CLOSE(run.value(i, c), c < 12 ? want[i][c] : 0.0, 1e-6, 0);
  });
}

TEST(reference_gradient_is_the_finite_difference) {
  for (const Case& c : cases()) {
    std::vector<double> weights(reference::columns(c.model));
    std::mt19937 random(9);
    std::normal_distribution<double> normal;
    for (double& w : weights) w = normal(random);
    std::vector<Vec3> v;
    std::vector<reference::Neighbour> near;
    equations(c.model, c.atoms, 0, &weights, &v, &near);
    const auto energy = [&] {
      double e = 0;
      const auto g = reference::descriptor(c.model, near);
      for (std::size_t k = 0; k < g.size(); k++) e += weights[k] * g[k];
      return e;
    };
    for (std::size_t n = 0; n < near.size(); n += 7) {
      for (int a = 0; a < 3; a++) {
        const double step = 1e-4, old = near[n].d[a];
        near[n].d[a] = old + step;
        const double up = energy();
        near[n].d[a] = old - step;
        const double down = energy();
        near[n].d[a] = old;
        CHECK_CLOSE(v[n][a], (up - down) / (2 * step), 2e-5, 2e-5);
      }
    }
  }
}

TEST(forward_agrees_with_the_equations) {
  for (const Case& c : cases()) {
    const auto expected = expectedForward(c.model, c.atoms);
    everyIsa([&](const auto& kernels, const std::string& isa) {
      checkForward(c.model, kernels, c.atoms, expected, isa + " " + c.name);
    });
  }
}

TEST(backward_agrees_with_the_equations) {
  for (const Case& c : cases()) {
    for (int members : {1, 2, 8, 11}) {
      const ExpectedBackward expected(c.model, c.atoms, members);
      everyIsa([&](const auto& kernels, const std::string& isa) {
        checkBackward(c.model, kernels, c.atoms, expected, isa + " " + c.name);
      });
    }
  }
}

// More triples than one pass holds, more neighbours than a vector many times over.
TEST(crowded_center) {
  const AniModel m = reference::model(2, 5.1, 4.9, 19.7, 16, 12.5, 8, 14.1, 4);
  const Atoms atoms = someAtoms(100, 2, 5.5, 0.7, 10);
  const auto forwardWant = expectedForward(m, atoms);
  const ExpectedBackward backwardWant(m, atoms, 2);
  everyIsa([&](const auto& kernels, const std::string& isa) {
    checkForward(m, kernels, atoms, forwardWant, isa + " crowded");
    checkBackward(m, kernels, atoms, backwardWant, isa + " crowded");
  });
}

int main() { return check::main(); }
