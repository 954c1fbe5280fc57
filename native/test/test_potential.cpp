// Whole evaluations: batches of anything at once give what each system gives alone, on every instruction set.
#include <cmath>
#include <memory>
#include <random>

#include "check.hpp"
#include "mlts/potential.hpp"

using namespace mlts;

namespace {

struct Model {
  std::vector<std::vector<float>> storage;
  AniModel ani;

  explicit Model(int members) {
    ani.elements = {1, 8};
    ani.members = members;
    ani.minDistance = 0.5;
    ani.smoothCutoff = false;
    ani.radialCutoff = 4.6;
    ani.etaR = 16;
    for (int k = 0; k < 7; k++) ani.shiftsR.push_back(0.9 + 0.5 * k);
    ani.angularCutoff = 3.2;
    ani.etaA = 8;
    ani.zeta = 14.1;
    ani.shiftsA = {0.9, 1.6, 2.3};
    ani.sections = {0.3, 0.9, 1.6, 2.2, 2.9};
    ani.celuAlpha = 0.1;
    ani.selfEnergies = {-13, -2000};
    ani.energyScale = 27.2;
    const int inputs = 2 * 7 + 3 * 15;
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (int e = 0; e < 2; e++) {
      std::vector<LayerView> layers;
      for (const auto& [in, out] : {std::pair{inputs, 19}, std::pair{19, 8}, std::pair{8, 1}}) {
        for (const int count : {members * in * out, members * out}) {
          storage.emplace_back(count);
          for (float& x : storage.back()) x = 0.3f * normal(random);
        }
        layers.push_back({in, out, storage[storage.size() - 2].data(), storage.back().data()});
      }
      ani.networks.push_back(layers);
    }
  }
};

struct Atoms {
  std::vector<std::int32_t> numbers;
  std::vector<double> positions, cell;
  int owned = -1;

  // A loose cubic lattice of atoms, rattled; periodic, free, or a domain.
  Atoms(int count, int kind, std::mt19937& random) {
    std::uniform_real_distribution<double> jitter(-0.2, 0.2);
    const int side = static_cast<int>(std::ceil(std::cbrt(count)));
    for (int i = 0; i < count; i++) {
      numbers.push_back(random() % 3 == 0 ? 8 : 1);
      for (const int n : {i % side, i / side % side, i / side / side}) positions.push_back(1.9 * n + jitter(random));
    }
    if (kind == 0) cell = {1.9 * side, 0, 0, 0.4, 1.9 * side, 0, 0, 0.3, 1.9 * side};
    if (kind == 2) owned = static_cast<int>(random() % (count + 1));
  }
  System system(VerletList* list = nullptr) const {
    const bool periodic = !cell.empty();
    return {static_cast<int>(numbers.size()),
            numbers.data(),
            positions.data(),
            periodic ? cell.data() : nullptr,
            {periodic, periodic, periodic},
            owned,
            list};
  }
};

struct Output {
  std::vector<double> forces, virial, energies, memberEnergies, memberForces, sigmaForces;
  explicit Output(int n, int members)
      : forces(3 * n), virial(9), energies(n), memberEnergies(members), memberForces(3 * n * members), sigmaForces(n) {}
  Result result() {
    Result r;
    r.forces = forces.data();
    r.virial = virial.data();
    r.energies = energies.data();
    r.memberEnergies = memberEnergies.data();
    r.memberForces = memberForces.data();
    r.sigmaForces = sigmaForces.data();
    return r;
  }
};

std::string fault(const Result& result) { return result.error.has_value() ? result.error->code : ""; }
std::string faultText(const Result& result) { return result.error.has_value() ? result.error->detail : ""; }

void same(const std::vector<double>& got, const std::vector<double>& want, double tolerance) {
  for (std::size_t i = 0; i < want.size(); i++) CHECK_CLOSE(got[i], want[i], tolerance, tolerance);
}

}  // namespace

TEST(batches_give_what_systems_give_alone) {
  for (const std::string& isa : availableIsas()) {
    for (const int members : {1, 3, 9}) {
      const Model model(members);
      const auto together = Potential::create(model.ani, makeThreadPool(3), isa);
      const auto alone = Potential::create(model.ani, makeThreadPool(1), isa);
      for (const Precision precision : {Precision::single, Precision::double_}) {
        const double tolerance = precision == Precision::single ? 2e-4 : 1e-9;
        std::mt19937 random(7);
        std::vector<std::shared_ptr<VerletList>> lists;
        for (int round = 0; round < 4; round++) {
          std::vector<Atoms> atoms;
          std::vector<Output> outputs;
          for (int s = 0; s < 9; s++) {
            atoms.emplace_back(1 + static_cast<int>(random() % 60), s % 3, random);
            outputs.emplace_back(static_cast<int>(atoms.back().numbers.size()), members);
          }
          atoms[4].positions[0] = std::nan("");
          atoms[7].numbers[0] = 6;
          lists.resize(atoms.size());
          std::vector<System> systems;
          std::vector<Result> results;
          for (std::size_t s = 0; s < atoms.size(); s++) {
            if (!lists[s]) lists[s] = makeVerletList();
            // The first two share a list, which must not matter.
            systems.push_back(atoms[s].system(s % 2 == 0 ? lists[s == 2 ? 0 : s].get() : nullptr));
            results.push_back(outputs[s].result());
          }
          together->evaluate(systems, results, precision);
          CHECK(fault(results[4]) == "E_NONFINITE");
          CHECK(fault(results[7]) == "E_SPECIES");
          for (std::size_t s = 0; s < atoms.size(); s++) {
            if (s == 4 || s == 7) continue;
            CHECK(!results[s].error);
            Output want(static_cast<int>(atoms[s].numbers.size()), members);
            std::vector<Result> single{want.result()};
            alone->evaluate({atoms[s].system()}, single, precision);
            CHECK_CLOSE(results[s].energy, single[0].energy, tolerance, 0);
            same(outputs[s].forces, want.forces, tolerance);
            same(outputs[s].virial, want.virial, 10 * tolerance);
            same(outputs[s].energies, want.energies, tolerance);
            same(outputs[s].memberEnergies, want.memberEnergies, tolerance);
            same(outputs[s].memberForces, want.memberForces, tolerance);
            same(outputs[s].sigmaForces, want.sigmaForces, tolerance);
          }
        }
      }
    }
  }
}

TEST(overlapping_atoms_are_named) {
  const Model model(2);
  const auto potential = Potential::create(model.ani, makeThreadPool(1));
  const std::int32_t numbers[] = {8, 1, 1};
  const double positions[] = {0, 0, 0, 0.96, 0, 0, 0.96, 0.3, 0};
  std::vector<Result> results(1);
  potential->evaluate({{3, numbers, positions, nullptr, {false, false, false}, -1, nullptr}}, results,
                      Precision::single);
  CHECK(fault(results[0]) == "E_OVERLAP");
  CHECK(faultText(results[0]).find("atoms 1 and 2 are 0.3000 Å") != std::string::npos);
}

TEST(a_raised_flag_cancels) {
  const Model model(2);
  const auto potential = Potential::create(model.ani, makeThreadPool(2));
  std::mt19937 random(1);
  const Atoms atoms(20, 1, random);
  std::vector<Result> results(1);
  const std::int32_t cancelled = 1;
  CHECK_THROWS(potential->evaluate({atoms.system()}, results, Precision::single, &cancelled), "E_CANCELLED");
  potential->evaluate({atoms.system()}, results, Precision::single);
  CHECK(std::isfinite(results[0].energy));
}

TEST(models_beyond_the_kernels_are_refused) {
  CHECK_THROWS(Potential::create(Model(65).ani, makeThreadPool(1)), "E_MODEL");
  AniModel empty = Model(1).ani;
  empty.members = 0;
  CHECK_THROWS(Potential::create(empty, makeThreadPool(1)), "E_EMPTY");
}

int main() { return check::main(); }
