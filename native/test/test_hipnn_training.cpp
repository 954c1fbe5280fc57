// Gradients of losses in energies, forces and virials with respect to every parameter of a HIP-NN, against finite
// differences of the losses themselves.
#include <algorithm>
#include <random>

#include "../src/engine/dispatch.hpp"
#include "../src/training/hipnn/hipnn_pass.hpp"
#include "../src/training/loss.hpp"
#include "check.hpp"
#include "hipnn_reference.hpp"

using mlts::BatchLoss, mlts::FrameFacts, mlts::HipnnAtoms, mlts::HipnnLayout, mlts::HipnnPass, mlts::LossTerm;

namespace {

struct Frame {
  FrameFacts facts;
  int firstAtom;
  double energy;
  std::vector<double> forces, virial;
};

// Random clusters with random labels, one after the other.
struct Batch {
  HipnnAtoms<double> atoms;
  std::vector<Frame> frames;
  std::vector<std::vector<reference::Neighbour>> near;

  explicit Batch(double cutoff, const std::vector<int>& sizes) {
    std::mt19937 random(11);
    std::uniform_real_distribution<double> place(0, 3.6), label(-1, 1);
    atoms.first.push_back(0);
    for (std::size_t f = 0; f < sizes.size(); f++) {
      const int n = sizes[f], firstAtom = atoms.atoms();
      std::vector<std::array<double, 3>> x;
      while (static_cast<int>(x.size()) < n) {
        const std::array<double, 3> trial{place(random), place(random), place(random)};
        if (std::all_of(x.begin(), x.end(), [&](const auto& o) {
              return std::hypot(trial[0] - o[0], trial[1] - o[1], trial[2] - o[2]) > 0.9;
            }))
          x.push_back(trial);
      }
      for (int i = 0; i < n; i++) {
        atoms.element.push_back((i + static_cast<int>(f)) % 3);
        near.emplace_back();
        for (int j = 0; j < n; j++) {
          const double d[3] = {x[j][0] - x[i][0], x[j][1] - x[i][1], x[j][2] - x[i][2]};
          if (i == j || std::hypot(d[0], d[1], d[2]) >= cutoff) continue;
          atoms.neighbour.push_back(firstAtom + j);
          atoms.vectors.insert(atoms.vectors.end(), d, d + 3);
          near.back().push_back({{d[0], d[1], d[2]}, firstAtom + j, (j + static_cast<int>(f)) % 3});
        }
        atoms.first.push_back(atoms.pairs());
      }
      Frame frame{{n, f == 0 ? 1.0 : 0.7, 50.0 + 10 * static_cast<double>(f), true, true, true},
                  firstAtom,
                  3 * label(random),
                  {},
                  {}};
      for (int k = 0; k < 3 * n; k++) frame.forces.push_back(label(random));
      for (int k = 0; k < 9; k++) frame.virial.push_back(label(random));
      frames.push_back(std::move(frame));
    }
  }
};

// One member's parameters where the layout has them.
std::vector<double> placed(const HipnnLayout& layout, const mlts::HipnnModel& model, int member) {
  const std::vector<double> own = layout.values(model, member);
  std::vector<double> out(layout.map.size);
  for (std::size_t k = 0; k < own.size(); k++) out[layout.map.place[k]] = own[k];
  return out;
}

template <class T>
HipnnAtoms<T> converted(const HipnnAtoms<double>& a) {
  return {a.element, a.first, a.neighbour, std::vector<T>(a.vectors.begin(), a.vectors.end())};
}

// The loss, and its gradient where wanted. A virial's loss moves the vectors of the pairs along it, a force's the
// atoms.
template <class T>
double lossOf(const HipnnLayout& layout, const Batch& batch, const std::vector<double>& values,
              const std::vector<LossTerm>& terms, std::vector<double>* gradient) {
  const HipnnAtoms<T> atoms = converted<T>(batch.atoms);
  const std::vector<T> parameters(values.begin(), values.end());
  const auto engine = HipnnPass<T>::create(layout, mlts::selectKernels("").name);
  HipnnPass<T>& network = *engine;
  network.setParameters(parameters.data());
  const std::size_t blocks = layout.blocks.size(), n = atoms.atoms();
  std::vector<T> energies(blocks * n), pairGradients(3 * static_cast<std::size_t>(atoms.pairs()));
  network.forward(atoms, energies.data());
  const bool withForces =
      std::any_of(terms.begin(), terms.end(), [](const LossTerm& t) { return t.of != LossTerm::Of::energy; });
  if (withForces) network.pairGradients(pairGradients.data());

  BatchLoss loss(terms);
  for (const Frame& frame : batch.frames) loss.count(frame.facts);
  loss.finish();
  std::vector<T> slopes(blocks * n), tangents(pairGradients.size());
  mlts::BatchReport report;
  const auto pass = [&] {
    mlts::LossSums sums;
    sums.reset(terms.size());
    for (const Frame& frame : batch.frames) {
      const int first = frame.firstAtom, end = first + frame.facts.atoms;
      double energy = -frame.energy;
      for (std::size_t b = 0; b < blocks; b++)
        for (int i = first; i < end; i++) energy += energies[b * n + i];
      const T slope = static_cast<T>(loss.energy(frame.facts, energy, sums));
      for (std::size_t b = 0; b < blocks; b++) std::fill_n(slopes.data() + b * n + first, end - first, slope);
      if (!withForces) continue;
      std::vector<double> forces(3 * static_cast<std::size_t>(frame.facts.atoms)), virial(9);
      for (std::size_t k = 0; k < forces.size(); k++) forces[k] = -frame.forces[k];
      for (int k = 0; k < 9; k++) virial[k] = -frame.virial[k];
      const auto forEachPair = [&](auto body) {
        for (int i = first; i < end; i++)
          for (int p = atoms.first[i]; p < atoms.first[i + 1]; p++) body(i - first, atoms.neighbour[p] - first, 3 * p);
      };
      forEachPair([&](int i, int j, int p) {
        for (int c = 0; c < 3; c++) {
          forces[3 * i + c] += pairGradients[p + c];
          forces[3 * j + c] -= pairGradients[p + c];
          for (int k = 0; k < 3; k++) virial[3 * k + c] -= atoms.vectors[p + k] * pairGradients[p + c];
        }
      });
      loss.forces(frame.facts, forces.data(), sums);
      loss.virial(frame.facts, virial.data(), sums);
      forEachPair([&](int i, int j, int p) {
        for (int c = 0; c < 3; c++) {
          double t = forces[3 * i + c] - forces[3 * j + c];
          for (int k = 0; k < 3; k++) t -= atoms.vectors[p + k] * virial[3 * k + c];
          tangents[p + c] = static_cast<T>(t);
        }
      });
    }
    loss.report(sums, report);
    return sums;
  };
  const mlts::LossSums sums = pass();
  if (!gradient) return report.loss;
  loss.setMeanSquares(sums);
  pass();
  std::vector<T> out(layout.map.size, T(0));
  network.addGradient(slopes.data(), withForces ? tangents.data() : nullptr, out.data());
  gradient->assign(out.begin(), out.end());
  return report.loss;
}

LossTerm term(LossTerm::Of of, LossTerm::Form form, double weight) {
  return {of, form, weight, 0.3, 0.5, true, LossTerm::Per::atom};
}

void compareWithDifferences(int order, const std::vector<LossTerm>& terms, int features = 5, int atomLayers = 2) {
  const reference::HipnnWeights weights(order, 2, features, 4, 2, 1, {1, 6, 8}, atomLayers);
  const HipnnLayout layout(weights.model);
  const Batch batch(weights.model.cutoff, {5, 4});
  const std::vector<double> values = placed(layout, weights.model, 1);
  std::vector<double> gradient;
  lossOf<double>(layout, batch, values, terms, &gradient);
  double largest = 0;
  for (const double g : gradient) largest = std::max(largest, std::fabs(g));
  CHECK(largest > 1e-3);
  constexpr double h = 3e-4;
  for (std::size_t k = 0; k < layout.map.size; k++) {
    const auto at = [&](double step) {
      std::vector<double> moved = values;
      moved[k] += step;
      return lossOf<double>(layout, batch, moved, terms, nullptr);
    };
    const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    CHECK_CLOSE(gradient[k], difference, 1e-9 * largest, 1e-7);
  }
}

constexpr auto energy = LossTerm::Of::energy, forces = LossTerm::Of::forces, virial = LossTerm::Of::virial;
constexpr auto squared = LossTerm::Form::squared, absolute = LossTerm::Form::absolute, rms = LossTerm::Form::rms,
               huber = LossTerm::Form::huber;

}  // namespace

TEST(energies_are_those_of_the_equations) {
  for (int order = 0; order <= 2; order++) {
    const reference::HipnnWeights weights(order, 2, 5, 4, 2);
    const HipnnLayout layout(weights.model);
    const Batch batch(weights.model.cutoff, {6, 3});
    for (int member = 0; member < 2; member++) {
      const auto values = placed(layout, weights.model, member);
      const auto engine = HipnnPass<double>::create(layout, mlts::selectKernels("").name);
      HipnnPass<double>& network = *engine;
      network.setParameters(values.data());
      const std::size_t n = batch.atoms.atoms();
      std::vector<double> energies(layout.blocks.size() * n);
      network.forward(batch.atoms, energies.data());
      const auto want = reference::hipnn(weights.model, member, batch.atoms.element, batch.near).energies;
      for (std::size_t i = 0; i < n; i++) {
        double sum = weights.model.selfEnergies[batch.atoms.element[i]];
        for (std::size_t b = 0; b < layout.blocks.size(); b++) sum += energies[b * n + i];
        CHECK_CLOSE(sum, want[i], 1e-12, 1e-12);
      }
    }
  }
}

TEST(gradients_of_energy_losses_are_those_of_differences) {
  for (int order = 0; order <= 2; order++)
    for (const auto form : {squared, absolute, rms, huber}) compareWithDifferences(order, {term(energy, form, 1.3)});
}

TEST(gradients_of_force_losses_are_those_of_differences) {
  for (int order = 0; order <= 2; order++)
    for (const auto form : {squared, absolute, rms, huber}) compareWithDifferences(order, {term(forces, form, 0.8)});
}

TEST(gradients_of_virial_losses_are_those_of_differences) {
  for (int order = 0; order <= 2; order++) compareWithDifferences(order, {term(virial, squared, 0.8)});
}

TEST(gradients_of_all_terms_together_are_those_of_differences) {
  for (int order = 0; order <= 2; order++)
    compareWithDifferences(
        order, {term(energy, rms, 1), term(energy, absolute, 1), term(forces, squared, 0.5), term(virial, huber, 0.2)});
}

TEST(without_atom_layers_and_without_an_adjusting_matrix) {
  compareWithDifferences(2, {term(energy, squared, 1), term(forces, squared, 1)}, 3, 0);
}

TEST(single_precision_gives_the_same_gradient) {
  for (int order = 0; order <= 2; order++) {
    const reference::HipnnWeights weights(order, 1, 12, 6, 2);
    const HipnnLayout layout(weights.model);
    const Batch batch(weights.model.cutoff, {7, 5});
    const auto values = placed(layout, weights.model, 0);
    const std::vector<LossTerm> terms{term(energy, squared, 1), term(forces, squared, 1)};
    std::vector<double> single, twice;
    lossOf<float>(layout, batch, values, terms, &single);
    lossOf<double>(layout, batch, values, terms, &twice);
    double norm = 0, difference = 0;
    for (std::size_t k = 0; k < layout.map.size; k++) {
      norm += twice[k] * twice[k];
      difference += (single[k] - twice[k]) * (single[k] - twice[k]);
    }
    CHECK_CLOSE(std::sqrt(difference / norm), 0, 1e-4, 0);
  }
}

int main() { return check::main(); }
