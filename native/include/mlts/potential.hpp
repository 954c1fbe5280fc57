// The native backend's public face: an ANI or HIP-NN ensemble in, energies, forces, virials and uncertainties out.
// No Node, no JSON, no sockets. Units: Å, eV. Throws mlts::Error; a system's own fault is its result's error.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mlts/error.hpp"

namespace mlts {

class ThreadPool;
class VerletList;

// One layer of one element's networks, members stacked. Borrowed: must outlive the Potential.
struct LayerView {
  int inputs, outputs;
  const float* weights;  // [members][outputs][inputs]
  const float* biases;   // [members][outputs]
};

struct AniModel {
  std::vector<int> elements;  // atomic numbers, in the model's order
  int members;
  double minDistance;  // Å
  bool smoothCutoff;
  double radialCutoff, etaR;
  std::vector<double> shiftsR;
  double angularCutoff, etaA, zeta;
  std::vector<double> shiftsA, sections;
  double celuAlpha;
  std::vector<std::vector<LayerView>> networks;  // [element][layer]
  std::vector<double> selfEnergies;              // [element] eV
  double energyScale;                            // eV per unit of network output
};

// One interaction layer and its atom layers (docs/maths.md). Members stacked, borrowed.
struct HipnnBlock {
  struct AtomLayer {
    LayerView base, residual;  // [features][features]
  };
  int inputs;                    // elements in the first block, else features
  const float *mu, *sigma;       // [members][sensitivities] Å
  const float* interaction;      // [members][sensitivities][features][inputs]
  LayerView self;                // [features][inputs]
  const float* vectorScales;     // [members][features], order ≥ 1
  const float* quadraticScales;  // [members][features], order 2
  LayerView residual;            // [features][features]
  const float* adjust;           // [members][features][inputs], null where features = inputs
  std::vector<AtomLayer> atomLayers;
};

struct HipnnModel {
  std::vector<int> elements;  // atomic numbers, in the model's order
  int members;
  double minDistance;  // Å
  int order;           // ℓ: 0, 1 or 2
  double cusp;         // ε under the roots of the tensor norms
  int features, sensitivities;
  double cutoff;  // Å, of one interaction layer
  std::vector<HipnnBlock> blocks;
  std::vector<LayerView> heads;      // of blocks 1, 2, …: one output
  std::vector<double> selfEnergies;  // [element] eV
  double energyScale;                // eV per unit of a head's output
};

struct System {
  int atoms;
  const std::int32_t* numbers;  // [atoms]
  const double* positions;      // [atoms][3]
  const double* cell;           // [3][3] rows are lattice vectors, or null
  bool pbc[3];
  int owned;         // ≥ 0: a domain, its first `owned` atoms are owned; −1: a whole system
  VerletList* list;  // kept across the steps of a trajectory, or null
};

// Where results go; null: not wanted. n atoms, M members.
struct Result {
  double energy = 0;                  // eV
  double* forces = nullptr;           // [n][3] eV/Å
  double* virial = nullptr;           // [3][3] eV, W = −∂E/∂ε
  double* energies = nullptr;         // [n] eV
  double* virials = nullptr;          // [n][3][3] eV, a term belongs to the neighbour at the end of its vector
  double* memberEnergies = nullptr;   // [M] eV
  double* memberForces = nullptr;     // [M][n][3] eV/Å
  float* forceDeviations = nullptr;   // [M][n][3] eV/Å, F_m − F̄
  double* sigmaEnergy = nullptr;      // [1] eV, ddof 1
  double* sigmaEnergies = nullptr;    // [n] eV
  double* sigmaForces = nullptr;      // [n] eV/Å, √Σ_xyz var
  double* hierarchicality = nullptr;  // [n] R_i, mean over members; HIP-NN only
  std::optional<Error> error;
};

struct Stages {  // wall time of the last evaluation, ms
  double neighbours = 0, descriptor = 0, network = 0, backward = 0, reduce = 0;
  double flops = 0;  // of the network part, padding not counted
};

enum class Precision { single, double_ };

class Potential {
 public:
  // isa: "" for the best this processor has, else "avx512", "avx2", "portable" (E_UNAVAILABLE where it lacks it).
  static std::unique_ptr<Potential> create(AniModel model, std::shared_ptr<ThreadPool> pool,
                                           const std::string& isa = "");
  static std::unique_ptr<Potential> create(HipnnModel model, std::shared_ptr<ThreadPool> pool,
                                           const std::string& isa = "");
  virtual ~Potential() = default;

  // Evaluates all systems; results[i] belongs to systems[i]. One call at a time.
  // Throws E_CANCELLED once *cancelled is seen non-zero (read atomically).
  virtual void evaluate(const std::vector<System>& systems, std::vector<Result>& results, Precision precision,
                        const std::int32_t* cancelled = nullptr) = 0;
  virtual const Stages& stages() const = 0;
  // Bytes of packed weights and buffers.
  virtual std::size_t memoryBytes() const = 0;
  // Flops per second of the matrix kernel from L1, all threads of the pool at once.
  virtual double peak(Precision precision) = 0;
  virtual const std::string& isa() const = 0;
};

std::shared_ptr<ThreadPool> makeThreadPool(int threads);
std::shared_ptr<VerletList> makeVerletList();
// Instruction sets compiled in that this processor has, best first.
std::vector<std::string> availableIsas();

}  // namespace mlts
