// HIP-NN against the equations, finite differences, and itself: batches, domains, members, windows.
#include <cmath>
#include <memory>
#include <random>

#include "check.hpp"
#include "hipnn_reference.hpp"
#include "mlts/potential.hpp"

using namespace mlts;
using reference::HipnnWeights;
using reference::Vec3;

namespace {

struct Atoms {
  std::vector<int> elements;
  std::vector<std::int32_t> numbers;
  std::vector<Vec3> x;
  std::vector<double> cell;

  Atoms(const HipnnModel& model, int count, double box, bool periodic, unsigned seed)
      : x(reference::scatter(count, periodic ? box - 0.8 : box, 0.8, seed)) {
    std::mt19937 random(seed);
    for (int i = 0; i < count; i++) {
      elements.push_back(static_cast<int>(random() % model.elements.size()));
      numbers.push_back(model.elements[elements.back()]);
    }
    if (periodic) cell = {box, 0, 0, 0.3, box, 0, -0.2, 0.4, box};
  }
  System system(VerletList* list = nullptr) const {
    const bool periodic = !cell.empty();
    return {static_cast<int>(numbers.size()),
            numbers.data(),
            x[0].data(),
            periodic ? cell.data() : nullptr,
            {periodic, periodic, periodic},
            -1,
            list};
  }
  reference::HipnnResult expected(const HipnnModel& model, int member) const {
    const bool pbc[] = {true, true, true};
    std::vector<std::vector<reference::Neighbour>> near;
    for (int i = 0; i < static_cast<int>(x.size()); i++)
      near.push_back(reference::neighbours(x, elements, cell.empty() ? nullptr : cell.data(), pbc, 3, i, model.cutoff));
    return reference::hipnn(model, member, elements, near);
  }
  double energy(const HipnnModel& model) const {
    double sum = 0;
    for (int m = 0; m < model.members; m++)
      for (const double e : expected(model, m).energies) sum += e / model.members;
    return sum;
  }
};

struct Output {
  std::vector<double> forces, virial, energies, virials, memberEnergies, memberForces, sigmaForces, hierarchicality;
  Output(std::size_t n, int members)
      : forces(3 * n),
        virial(9),
        energies(n),
        virials(9 * n),
        memberEnergies(members),
        memberForces(3 * n * members),
        sigmaForces(n),
        hierarchicality(n) {}
  Result result(bool separate) {
    Result r;
    r.forces = forces.data();
    r.virial = virial.data();
    r.energies = energies.data();
    r.virials = virials.data();
    r.memberEnergies = memberEnergies.data();
    r.hierarchicality = hierarchicality.data();
    if (separate) {
      r.memberForces = memberForces.data();
      r.sigmaForces = sigmaForces.data();
    }
    return r;
  }
};

void same(const std::vector<double>& got, const std::vector<double>& want, double tolerance) {
  CHECK(got.size() == want.size());
  for (std::size_t i = 0; i < want.size(); i++) CHECK_CLOSE(got[i], want[i], tolerance, tolerance);
}

// Energies, hierarchicality, and forces by finite differences of the reference.
void agrees(const HipnnModel& model, const Atoms& atoms, const std::string& isa, Precision precision,
            bool derivatives) {
  const auto potential = Potential::create(model, makeThreadPool(2), isa);
  Output out(atoms.x.size(), model.members);
  std::vector<Result> results{out.result(model.members > 1)};
  potential->evaluate({atoms.system()}, results, precision);
  CHECK(!results[0].error);
  const bool isDouble = precision == Precision::double_;
  std::vector<double> energies(atoms.x.size()), hierarchicality(atoms.x.size());
  for (int m = 0; m < model.members; m++) {
    const auto want = atoms.expected(model, m);
    double total = 0;
    for (std::size_t i = 0; i < atoms.x.size(); i++) {
      energies[i] += want.energies[i] / model.members;
      hierarchicality[i] += want.hierarchicality[i] / model.members;
      total += want.energies[i];
    }
    CHECK_CLOSE(out.memberEnergies[m], total, (isDouble ? 1e-10 : 1e-5) * static_cast<double>(atoms.x.size()), 0);
  }
  same(out.energies, energies, isDouble ? 1e-10 : 2e-5);
  same(out.hierarchicality, hierarchicality, isDouble ? 1e-10 : 1e-5);
  if (!derivatives) return;
  constexpr double h = 1e-4;
  for (std::size_t k = 0; k < 3 * atoms.x.size(); k += 5) {
    const auto at = [&](double step) {
      Atoms moved = atoms;
      moved.x[k / 3][k % 3] += step;
      return moved.energy(model);
    };
    const double want = -(8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    CHECK_CLOSE(out.forces[k], want, isDouble ? 1e-7 : 1e-3, isDouble ? 1e-7 : 1e-4);
  }
  for (int k = 0; k < 9; k += 2) {
    const auto strained = [&](double step) {
      Atoms moved = atoms;
      const auto strain = [&](double* v) { v[k % 3] += step * v[k / 3]; };
      for (auto& v : moved.x) strain(v.data());
      for (std::size_t c = 0; c < moved.cell.size(); c += 3) strain(&moved.cell[c]);
      return moved.energy(model);
    };
    const double want = -(8 * (strained(h) - strained(-h)) - (strained(2 * h) - strained(-2 * h))) / (12 * h);
    CHECK_CLOSE(out.virial[k], want, isDouble ? 1e-6 : 5e-3, isDouble ? 1e-6 : 1e-3);
    double sum = 0;
    for (std::size_t i = 0; i < atoms.x.size(); i++) sum += out.virials[9 * i + k];
    CHECK_CLOSE(sum, out.virial[k], isDouble ? 1e-9 : 1e-3, 1e-4);
  }
}

}  // namespace

TEST(energies_and_derivatives_are_those_of_the_equations) {
  for (const int order : {0, 1, 2}) {
    for (const int blocks : {1, 2, 3}) {
      const HipnnWeights weights(order, 1, 7, 9, blocks);
      agrees(weights.model, Atoms(weights.model, 12, 5, false, 4), "", Precision::double_, true);
    }
    const HipnnWeights weights(order, 2, 7, 9, 2);
    agrees(weights.model, Atoms(weights.model, 9, 4.4, true, 4), "", Precision::double_, true);
    agrees(weights.model, Atoms(weights.model, 9, 4.4, true, 4), "", Precision::single, true);
  }
}

TEST(every_instruction_set_and_shape) {
  for (const std::string& isa : availableIsas()) {
    for (const int order : {0, 1, 2}) {
      for (const int features : {3, 16, 20, 37, 80, 130}) {
        const HipnnWeights weights(order, 1, features, features == 37 ? 33 : 20, 2);
        const Atoms atoms(weights.model, 26, 5.5, true, 6);
        agrees(weights.model, atoms, isa, Precision::double_, false);
        agrees(weights.model, atoms, isa, Precision::single, false);
      }
    }
  }
}

// σ so small that every function matters everywhere, and so large that hardly two overlap.
TEST(windows_follow_the_widths) {
  for (const double widen : {0.3, 2.0, 30.0, 1e3}) {
    for (const int order : {0, 1}) {
      const HipnnWeights weights(order, 1, 5, 20, 2, widen);
      const Atoms atoms(weights.model, 10, 4.6, true, 8);
      agrees(weights.model, atoms, "", Precision::double_, true);
      agrees(weights.model, atoms, "", Precision::single, false);
    }
  }
}

TEST(batches_give_what_systems_give_alone) {
  for (const int order : {0, 2}) {
    for (const int members : {1, 3}) {
      const HipnnWeights weights(order, members, 20, 12, 2);
      const auto together = Potential::create(weights.model, makeThreadPool(3));
      const auto alone = Potential::create(weights.model, makeThreadPool(1));
      std::vector<Atoms> atoms;
      std::vector<Output> outputs;
      std::vector<std::shared_ptr<VerletList>> lists;
      std::mt19937 random(7);
      for (int s = 0; s < 7; s++) {
        atoms.emplace_back(weights.model, 1 + static_cast<int>(random() % 70), 7, s % 2 == 0, 10 + s);
        outputs.emplace_back(atoms[s].x.size(), members);
        lists.push_back(makeVerletList());
      }
      atoms[3].x[0][1] = std::nan("");
      for (int round = 0; round < 3; round++) {
        std::vector<System> systems;
        std::vector<Result> results;
        for (int s = 0; s < 7; s++) {
          systems.push_back(atoms[s].system(lists[s].get()));
          results.push_back(outputs[s].result(true));
        }
        together->evaluate(systems, results, Precision::double_);
        const auto& refusal = results[3].error;
        CHECK(refusal && refusal->code == "E_NONFINITE");
        for (int s = 0; s < 7; s++) {
          if (s == 3) continue;
          CHECK(!results[s].error);
          Output want(atoms[s].x.size(), members);
          std::vector<Result> single{want.result(true)};
          alone->evaluate({atoms[s].system()}, single, Precision::double_);
          CHECK_CLOSE(results[s].energy, single[0].energy, 1e-9, 0);
          same(outputs[s].forces, want.forces, 1e-9);
          same(outputs[s].virial, want.virial, 1e-8);
          same(outputs[s].virials, want.virials, 1e-9);
          same(outputs[s].memberForces, want.memberForces, 1e-9);
          same(outputs[s].sigmaForces, want.sigmaForces, 1e-9);
          for (Vec3& x : atoms[s].x) x[round] += 0.05;
          for (std::size_t k = 0; k < atoms[s].x.size(); k += 3) atoms[s].x[k][2] += 0.01;
        }
      }
    }
  }
}

// The mean alone is computed in another way than with every member's forces.
TEST(means_are_the_same_with_and_without_members) {
  const HipnnWeights weights(1, 5, 20, 12, 2);
  const auto potential = Potential::create(weights.model, makeThreadPool(2));
  const Atoms atoms(weights.model, 40, 6.5, true, 3);
  Output mean(40, 5), each(40, 5);
  std::vector<Result> results{mean.result(false)};
  potential->evaluate({atoms.system()}, results, Precision::double_);
  results = {each.result(true)};
  potential->evaluate({atoms.system()}, results, Precision::double_);
  same(mean.forces, each.forces, 1e-10);
  same(mean.virial, each.virial, 1e-9);
  same(mean.virials, each.virials, 1e-10);
  for (std::size_t k = 0; k < 120; k++) {
    double sum = 0;
    for (int m = 0; m < 5; m++) sum += each.memberForces[m * 120 + k] / 5;
    CHECK_CLOSE(sum, each.forces[k], 1e-10, 1e-10);
  }
}

// A periodic system cut into two domains whose ghosts reach as far as messages do.
TEST(domains_add_up_to_the_whole) {
  for (const int blocks : {1, 2, 3}) {
    const HipnnWeights weights(blocks == 2 ? 2 : 0, 2, 20, 12, blocks);
    const HipnnModel& model = weights.model;
    const double box = 7, reach = blocks * model.cutoff;
    Atoms atoms(model, 50, box, true, 5);
    atoms.cell = {box, 0, 0, 0, box, 0, 0, 0, box};
    const auto potential = Potential::create(model, makeThreadPool(2));
    Output want(50, 2);
    std::vector<Result> results{want.result(true)};
    potential->evaluate({atoms.system()}, results, Precision::double_);
    std::vector<double> forces(150, 0.0), virial(9, 0.0);
    double energy = 0;
    for (const int side : {0, 1}) {
      std::vector<std::int32_t> numbers;
      std::vector<Vec3> x;
      std::vector<int> source;
      const auto add = [&](int i, const Vec3& shift) {
        numbers.push_back(atoms.numbers[i]);
        x.push_back({atoms.x[i][0] + shift[0], atoms.x[i][1] + shift[1], atoms.x[i][2] + shift[2]});
        source.push_back(i);
      };
      for (int i = 0; i < 50; i++)
        if ((atoms.x[i][0] < box / 2) == (side == 0)) add(i, {0, 0, 0});
      const int owned = static_cast<int>(x.size());
      for (int a = -2; a <= 2; a++)
        for (int b = -2; b <= 2; b++)
          for (int c = -2; c <= 2; c++)
            for (int i = 0; i < 50; i++) {
              const Vec3 p{atoms.x[i][0] + a * box, atoms.x[i][1] + b * box, atoms.x[i][2] + c * box};
              bool isNear = false;
              for (int k = 0; k < owned; k++) {
                const double d = reference::length({p[0] - x[k][0], p[1] - x[k][1], p[2] - x[k][2]});
                if (d == 0) {
                  isNear = false;
                  break;
                }
                isNear |= d <= reach;
              }
              if (isNear) add(i, {a * box, b * box, c * box});
            }
      Output out(x.size(), 2);
      std::vector<Result> part{out.result(true)};
      const auto list = makeVerletList();
      for (int round = 0; round < 2; round++) {
        potential->evaluate({{static_cast<int>(x.size()),
                              numbers.data(),
                              x[0].data(),
                              nullptr,
                              {false, false, false},
                              owned,
                              round == 0 ? nullptr : list.get()}},
                            part, Precision::double_);
        CHECK(!part[0].error);
      }
      energy += part[0].energy;
      for (std::size_t k = 0; k < x.size(); k++)
        for (int d = 0; d < 3; d++) forces[3 * source[k] + d] += out.forces[3 * k + d];
      for (int k = 0; k < 9; k++) virial[k] += out.virial[k];
    }
    CHECK_CLOSE(energy, results[0].energy, 1e-8, 0);
    same(forces, want.forces, 1e-8);
    same(virial, want.virial, 1e-7);
  }
}

TEST(overlaps_and_cancellation) {
  const HipnnWeights weights(1, 2, 8, 8, 2);
  const auto potential = Potential::create(weights.model, makeThreadPool(2));
  const std::int32_t numbers[] = {8, 1, 1}, cancelled = 1;
  const double positions[] = {0, 0, 0, 0.96, 0, 0, 0.96, 0.3, 0};
  const System system{3, numbers, positions, nullptr, {false, false, false}, -1, nullptr};
  std::vector<Result> results(1);
  potential->evaluate({system}, results, Precision::single);
  const auto& refusal = results[0].error;
  CHECK(refusal && refusal->detail.find("atoms 1 and 2 are 0.3000 Å") != std::string::npos);
  results = std::vector<Result>(1);
  CHECK_THROWS(potential->evaluate({system}, results, Precision::single, &cancelled), "E_CANCELLED");
  CHECK_THROWS(Potential::create(HipnnWeights(0, 65, 2, 2, 1).model, makeThreadPool(1)), "E_MODEL");
}

int main() { return check::main(); }
