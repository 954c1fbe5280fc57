// HIP-NN as the equations say it, in double precision: what the kernels answer to. And random models.
#pragma once

#include <cmath>
#include <list>
#include <random>
#include <vector>

#include "mlts/potential.hpp"
#include "reference.hpp"

namespace reference {

// Weights of order one for any shape; owns what the model borrows.
struct HipnnWeights {
  std::list<std::vector<float>> storage;
  mlts::HipnnModel model;

  HipnnWeights(int order, int members, int features, int sensitivities, int blocks, double widen = 1,
               const std::vector<int>& elements = {1, 6, 8}, int atomLayers = 2, unsigned seed = 3) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const auto values = [&](std::size_t n, double scale) {
      storage.emplace_back(n);
      for (float& x : storage.back()) x = static_cast<float>(scale) * normal(random);
      return storage.back().data();
    };
    const auto layer = [&](int in, int out) {
      return mlts::LayerView{in, out, values(static_cast<std::size_t>(members) * in * out, 1 / std::sqrt(in)),
                             values(static_cast<std::size_t>(members) * out, 0.3)};
    };
    const int kinds = static_cast<int>(elements.size());
    model.elements = elements;
    model.members = members;
    model.minDistance = 0.5;
    model.order = order;
    model.cusp = 1e-6;
    model.features = features;
    model.sensitivities = sensitivities;
    model.cutoff = 4.2;
    model.energyScale = 1.7;
    for (int e = 0; e < kinds; e++) model.selfEnergies.push_back(-10.0 * (e + 1));
    for (int b = 0; b < blocks; b++) {
      mlts::HipnnBlock block{};
      block.inputs = b == 0 ? kinds : features;
      float* mu = values(static_cast<std::size_t>(members) * sensitivities, 0.01);
      float* sigma = values(static_cast<std::size_t>(members) * sensitivities, 0.3);
      for (int m = 0; m < members; m++) {
        for (int k = 0; k < sensitivities; k++) {
          // Out of order, as training may leave them.
          const int place = (k * 7 + m) % sensitivities;
          const double inverse = 1 / 3.6 + (1 / 0.8 - 1 / 3.6) * (place + 0.5) / sensitivities;
          mu[m * sensitivities + k] += static_cast<float>(1 / inverse);
          sigma[m * sensitivities + k] += static_cast<float>(2 * sensitivities * 0.8 / widen);
        }
      }
      block.mu = mu;
      block.sigma = sigma;
      block.interaction = values(static_cast<std::size_t>(members) * sensitivities * features * block.inputs,
                                 1 / std::sqrt(block.inputs * 4.0));
      block.self = layer(block.inputs, features);
      if (order >= 1) block.vectorScales = values(static_cast<std::size_t>(members) * features, 0.5);
      if (order >= 2) block.quadraticScales = values(static_cast<std::size_t>(members) * features, 0.5);
      block.residual = layer(features, features);
      if (block.inputs != features)
        block.adjust = values(static_cast<std::size_t>(members) * features * block.inputs, 0.5);
      for (int l = 0; l < atomLayers; l++)
        block.atomLayers.push_back({layer(features, features), layer(features, features)});
      model.blocks.push_back(block);
      model.heads.push_back(layer(features, 1));
    }
  }
};

struct HipnnResult {
  std::vector<double> energies, hierarchicality;  // [atoms] eV, self energies included
};

// near[i]: neighbours of atom i within the cutoff. Energies of all atoms of one member.
inline HipnnResult hipnn(const mlts::HipnnModel& m, int member, const std::vector<int>& elements,
                         const std::vector<std::vector<Neighbour>>& near) {
  const std::size_t n = elements.size();
  const int f = m.features, functions = m.sensitivities, components = m.order == 0 ? 1 : m.order == 1 ? 4 : 9;
  const auto apply = [&](const mlts::LayerView& layer, const std::vector<double>& x) {
    std::vector<double> y(layer.outputs);
    for (int o = 0; o < layer.outputs; o++) {
      y[o] = layer.biases[member * layer.outputs + o];
      for (int i = 0; i < layer.inputs; i++)
        y[o] += layer.weights[(static_cast<std::size_t>(member) * layer.outputs + o) * layer.inputs + i] * x[i];
    }
    return y;
  };
  const auto softplus = [](std::vector<double> x) {
    for (double& v : x) v = std::fmax(v, 0) + std::log1p(std::exp(-std::fabs(v)));
    return x;
  };
  const auto add = [](std::vector<double> a, const std::vector<double>& b) {
    for (std::size_t k = 0; k < a.size(); k++) a[k] += b[k];
    return a;
  };
  std::vector<std::vector<double>> z(n);
  HipnnResult result;
  std::vector<double> before;
  for (std::size_t i = 0; i < n; i++) {
    z[i].assign(m.elements.size(), 0);
    z[i][elements[i]] = 1;
    result.energies.push_back(m.selfEnergies[elements[i]]);
    before.push_back(m.selfEnergies[elements[i]]);
    result.hierarchicality.push_back(0);
  }
  for (std::size_t b = 0; b < m.blocks.size(); b++) {
    const mlts::HipnnBlock& block = m.blocks[b];
    std::vector<std::vector<double>> next(n);
    for (std::size_t i = 0; i < n; i++) {
      std::vector<double> y = apply(block.self, z[i]);
      std::vector<std::vector<double>> tensor(components, std::vector<double>(f, 0));
      for (const Neighbour& j : near[i]) {
        const double r = length(j.d), x = j.d[0] / r, yy = j.d[1] / r, zz = j.d[2] / r;
        const double a[9] = {1, x, yy, zz, x * x - 1.0 / 3, x * yy, x * zz, yy * yy - 1.0 / 3, yy * zz};
        const double phi = std::cos(M_PI * r / (2 * m.cutoff));
        for (int k = 0; k < functions; k++) {
          const double mu = block.mu[member * functions + k], sigma = block.sigma[member * functions + k];
          const double d = 1 / r - 1 / mu, s = std::exp(-0.5 * sigma * sigma * d * d) * phi * phi;
          for (int o = 0; o < f; o++) {
            double sum = 0;
            for (int c = 0; c < block.inputs; c++)
              sum +=
                  block.interaction[((static_cast<std::size_t>(member) * functions + k) * f + o) * block.inputs + c] *
                  z[j.atom][c];
            for (int c = 0; c < components; c++) tensor[c][o] += s * a[c] * sum;
          }
        }
      }
      for (int o = 0; o < f; o++) {
        const auto t = [&](int c) { return tensor[c][o]; };
        y[o] += t(0);
        if (components > 1)
          y[o] += block.vectorScales[member * f + o] * std::sqrt(t(1) * t(1) + t(2) * t(2) + t(3) * t(3) + m.cusp);
        if (components > 4)
          y[o] += block.quadraticScales[member * f + o] *
                  std::sqrt(2 * (t(4) * t(4) + t(5) * t(5) + t(6) * t(6) + t(7) * t(7) + t(8) * t(8) + t(4) * t(7)) +
                            m.cusp);
      }
      std::vector<double> in = z[i];
      if (block.adjust) {
        in.assign(f, 0);
        for (int o = 0; o < f; o++)
          for (int c = 0; c < block.inputs; c++)
            in[o] += block.adjust[(static_cast<std::size_t>(member) * f + o) * block.inputs + c] * z[i][c];
      }
      next[i] = add(in, apply(block.residual, softplus(y)));
      for (const auto& layer : block.atomLayers)
        next[i] = add(next[i], apply(layer.residual, softplus(apply(layer.base, next[i]))));
    }
    z = next;
    for (std::size_t i = 0; i < n; i++) {
      const double energy = m.energyScale * apply(m.heads[b], z[i])[0];
      result.energies[i] += energy;
      result.hierarchicality[i] += energy * energy / (energy * energy + before[i] * before[i]);
      before[i] = energy;
    }
  }
  return result;
}

}  // namespace reference
