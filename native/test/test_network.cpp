// The network pass against the textbook loops in double precision, every instruction set, odd sizes.
#include <random>

#include "../src/engine/dispatch.hpp"
#include "../src/engine/network_pass.hpp"
#include "check.hpp"

using namespace mlts;

namespace {

constexpr double alpha = 0.1;

struct Network {
  int members;
  std::vector<int> widths;  // inputs, hidden …, 1
  std::vector<std::vector<float>> weights, biases;

  Network(int members_, std::vector<int> widths_, unsigned seed) : members(members_), widths(std::move(widths_)) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (std::size_t l = 0; l + 1 < widths.size(); l++) {
      const float spread = 1.0f / std::sqrt(static_cast<float>(widths[l]));
      weights.emplace_back(static_cast<std::size_t>(members) * widths[l] * widths[l + 1]);
      biases.emplace_back(static_cast<std::size_t>(members) * widths[l + 1]);
      for (float& w : weights.back()) w = spread * normal(random);
      for (float& b : biases.back()) b = 0.1f * normal(random);
    }
  }

  std::vector<LayerView> views() const {
    std::vector<LayerView> layers;
    layers.reserve(weights.size());
    for (std::size_t l = 0; l < weights.size(); l++)
      layers.push_back({widths[l], widths[l + 1], weights[l].data(), biases[l].data()});
    return layers;
  }

  // Energy of one input and its gradient.
  double energy(int member, const std::vector<double>& x, std::vector<double>& gradient) const {
    std::vector<std::vector<double>> outputs{x};
    const std::size_t layers = weights.size();
    const auto weight = [&](std::size_t l, int o, int i) {
      return static_cast<double>(weights[l][(static_cast<std::size_t>(member) * widths[l + 1] + o) * widths[l] + i]);
    };
    for (std::size_t l = 0; l < layers; l++) {
      std::vector<double> y(widths[l + 1]);
      for (int o = 0; o < widths[l + 1]; o++) {
        double z = biases[l][static_cast<std::size_t>(member) * widths[l + 1] + o];
        for (int i = 0; i < widths[l]; i++) z += weight(l, o, i) * outputs[l][i];
        y[o] = l + 1 == layers || z > 0 ? z : alpha * std::expm1(z / alpha);
      }
      outputs.push_back(y);
    }
    std::vector<double> delta{1.0};
    for (std::size_t l = layers; l-- > 0;) {
      std::vector<double> below(widths[l], 0.0);
      for (int i = 0; i < widths[l]; i++) {
        for (int o = 0; o < widths[l + 1]; o++) below[i] += weight(l, o, i) * delta[o];
        if (l > 0) below[i] *= outputs[l][i] > 0 ? 1 : outputs[l][i] / alpha + 1;
      }
      delta = below;
    }
    gradient = std::move(delta);
    return outputs.back()[0];
  }
};

// Two elements with networks of different shapes, atoms that see different groups, several tiles.
template <class T>
void compare(const IsaKernels& isa, int members, bool separate, int threads, double tolerance, int atoms = 61) {
  Descriptor<T> descriptor{};
  descriptor.elements = 2;
  descriptor.radialShifts = 7;
  descriptor.radialBlocks = 1;
  descriptor.angularBlocks = 2;
  descriptor.blocks = 2 + 3 * 2;
  const BlockMap map = BlockMap::of(descriptor);
  // 7 of 16 columns of each radial block are real, all of the angular ones.
  const auto column = [](int block, int lane) {
    return block < 2 ? (lane < 7 ? block * 7 + lane : -1) : 14 + (block - 2) * 16 + lane;
  };
  constexpr int columns = 14 + 6 * 16;
  const Network networks[2] = {Network(members, {columns, 33, 17, 1}, 1), Network(members, {columns, 48, 1}, 2)};
  std::vector<PackedElement<T>> packed;
  for (const Network& n : networks) packed.push_back(packElement<T>(n.views(), members, map.blocks, column));

  std::mt19937 random(3);
  std::vector<int> elements(atoms);
  std::vector<GroupMask> masks(atoms);
  std::vector<std::vector<double>> inputs(atoms, std::vector<double>(columns, 0.0));
  for (int i = 0; i < atoms; i++) {
    elements[i] = i % 3 == 0;
    for (int group = 0; group < 5; group++) {
      if (random() % 3 == 0) continue;
      masks[i].set(group);
      for (const int block : map.blocksOfGroup[group])
        for (int lane = 0; lane < blockWidth; lane++)
          if (column(block, lane) >= 0) inputs[i][column(block, lane)] = static_cast<float>(random() % 1000) / 500;
    }
  }
  const Kernels<T>& kernels = kernelsOf<T>(isa);
  TileSet tiles;
  tiles.build(atoms, elements.data(), masks.data(), 2, map, kernels.network.tileRows);
  Buffer<T> x(tiles.values);
  for (const Tile& tile : tiles.tiles) {
    const auto& blocks = tiles.activeSets[tile.active].blocks;
    for (std::size_t q = 0; q < blocks.size(); q++)
      for (int r = 0; r < tile.rows; r++)
        for (int lane = 0; lane < blockWidth; lane++) {
          const int c = column(blocks[q], lane);
          x[tile.offset + (q * tile.rows + r) * blockWidth + lane] =
              c < 0 ? T(0) : T(inputs[tiles.rowCenter[tile.firstRow + r]][c]);
        }
  }
  ThreadPool pool(threads);
  NetworkPass<T> pass;
  std::vector<T> energies(atoms * members);
  const T scale = separate ? T(1) : T(1) / members;
  pass.run({&tiles, &packed, x.data(), members, separate, scale, T(alpha), map.blocks}, kernels.network, pool,
           energies.data());

  for (const Tile& tile : tiles.tiles) {
    const auto& active = tiles.activeSets[tile.active];
    for (int r = 0; r < tile.rows; r++) {
      const int atom = tiles.rowCenter[tile.firstRow + r];
      CHECK(elements[atom] == tile.element);
      std::vector<double> mean(columns, 0.0), gradient;
      for (int m = 0; m < members; m++) {
        const double want = networks[tile.element].energy(m, inputs[atom], gradient);
        CHECK_CLOSE(energies[(tile.firstRow + r) * members + m], want, tolerance, tolerance);
        for (int c = 0; c < columns; c++) mean[c] += gradient[c] / members;
        if (!separate) continue;
        for (std::size_t q = 0; q < active.blocks.size(); q++)
          for (int lane = 0; lane < blockWidth; lane++)
            if (const int c = column(active.blocks[q], lane); c >= 0)
              CHECK_CLOSE(pass.gradient(tile, m)[(q * tile.rows + r) * blockWidth + lane], gradient[c], tolerance,
                          tolerance);
      }
      if (separate) continue;
      for (std::size_t q = 0; q < active.blocks.size(); q++)
        for (int lane = 0; lane < blockWidth; lane++)
          if (const int c = column(active.blocks[q], lane); c >= 0)
            CHECK_CLOSE(pass.gradient(tile, 0)[(q * tile.rows + r) * blockWidth + lane], mean[c], tolerance, tolerance);
    }
  }
}

void everyIsa(const std::function<void(const IsaKernels&)>& run) {
  for (const std::string& name : availableIsas()) run(selectKernels(name));
}

}  // namespace

TEST(separate_members_single) {
  everyIsa([](const IsaKernels& isa) { compare<float>(isa, 3, true, 2, 2e-5); });
}
TEST(separate_members_double) {
  everyIsa([](const IsaKernels& isa) { compare<double>(isa, 3, true, 2, 1e-12); });
}
TEST(mean_of_members_single) {
  everyIsa([](const IsaKernels& isa) { compare<float>(isa, 5, false, 2, 2e-5); });
}
TEST(mean_of_members_double) {
  everyIsa([](const IsaKernels& isa) { compare<double>(isa, 5, false, 1, 1e-12); });
}
TEST(one_member) {
  everyIsa([](const IsaKernels& isa) { compare<double>(isa, 1, false, 3, 1e-12); });
}
// A task of one tile takes another product than tasks of several: every number of rows it can have.
TEST(one_tile_of_any_height) {
  everyIsa([](const IsaKernels& isa) {
    for (int atoms = 1; atoms <= 18; atoms++) {
      compare<float>(isa, 2, false, 1, 2e-5, atoms);
      compare<double>(isa, 2, true, 1, 1e-12, atoms);
    }
  });
}
TEST(unknown_instruction_set_is_refused) { CHECK_THROWS(selectKernels("mmx"), "E_UNAVAILABLE"); }
TEST(comparisons_can_fail) {
  CHECK(!check::isClose(1.0, 1.1, 1e-3, 1e-3));
  CHECK(!check::isClose(std::nan(""), 1.0, 1e9, 1e9));
  CHECK(!check::isClose(1.0, std::nan(""), 1e9, 1e9));
}

int main() { return check::main(); }
