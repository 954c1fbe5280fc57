// Training: exact gradients of losses in energies, forces and virials with respect to the parameters of an ANI or
// HIP-NN ensemble, and the optimiser. Å, eV. Throws mlts::Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mlts/potential.hpp"

namespace mlts {

// A labelled structure; null: no such label.
struct LabelledFrame {
  int atoms;
  const std::int32_t* numbers;  // [atoms]
  const double* positions;      // [atoms][3]
  const double* cell;           // [3][3] or null
  bool pbc[3];
  std::optional<double> energy;  // eV, self energies included
  const double* forces;          // [atoms][3] eV/Å
  const double* virial;          // [3][3] eV
  double weight;
};

// src/training/engine.ts defines the terms.
struct LossTerm {
  enum class Of { energy, forces, virial, hierarchicality } of;
  enum class Form { squared, absolute, rms, huber } form;
  double weight;
  double delta;                                // of huber
  double power;                                // energy: residuals are divided by N^power
  bool components;                             // forces: mean over all components, else over frames
  enum class Per { total, atom, volume } per;  // virial
};

struct LayerSettings {
  bool frozen = false;
  double learningRate = 1;  // factor
  double decay = 0;
};

struct OptimiserSettings {
  std::vector<double> learningRate;  // [members]
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  bool decoupledDecay = true;
  std::vector<LayerSettings> layers;  // missing ones: the default
  double clipNorm = std::numeric_limits<double>::infinity();
  std::optional<double> averageDecay;
};

struct ErrorSums {
  double count = 0, squared = 0, absolute = 0, largest = 0;
  void add(double residual);
  void add(const ErrorSums& other);
};

struct BatchReport {
  int frames = 0;
  double loss = 0;
  std::vector<double> terms;
  ErrorSums energy, energyPerAtom, forces, virial;
  double gradientNorm = 0;
  bool applied = false;
};

// Where predictions go, null: not wanted. M members, N atoms of all frames.
struct Predictions {
  double* energies = nullptr;  // [M][frames]
  double* forces = nullptr;    // [M][N][3]
  double* virials = nullptr;   // [M][frames][3][3]
};

enum class Weights { current, average };

using Batches = std::vector<std::vector<int>>;  // [members] ids

class Trainer {
 public:
  // The model's weights are copied. Descriptors of frames are kept until all frames take `descriptorBytes`.
  static std::unique_ptr<Trainer> create(const AniModel& model, std::shared_ptr<ThreadPool> pool, Precision precision,
                                         std::size_t descriptorBytes, const std::string& isa = "");
  static std::unique_ptr<Trainer> create(const HipnnModel& model, std::shared_ptr<ThreadPool> pool, Precision precision,
                                         const std::string& isa = "");
  virtual ~Trainer() = default;

  struct Loaded {
    int id = -1;
    std::optional<Error> error;
  };
  virtual std::vector<Loaded> load(const std::vector<LabelledFrame>& frames) = 0;
  virtual void unload(const std::vector<int>& ids) = 0;
  virtual std::size_t frameBytes() const = 0;

  // All three throw E_CANCELLED once *cancelled is seen non-zero, E_USAGE for an id that is not loaded.
  virtual std::vector<BatchReport> step(const Batches& batches, const std::vector<LossTerm>& loss,
                                        const OptimiserSettings& optimiser, const std::int32_t* cancelled) = 0;
  virtual std::vector<BatchReport> errors(const Batches& batches, const std::vector<LossTerm>& loss, Weights which,
                                          const std::int32_t* cancelled) = 0;
  // gradients: [members][parameters]
  virtual std::vector<BatchReport> gradient(const Batches& batches, const std::vector<LossTerm>& loss,
                                            double* gradients, const std::int32_t* cancelled) = 0;
  virtual void predict(const std::vector<int>& ids, const Predictions& out, Weights which,
                       const std::int32_t* cancelled) = 0;

  virtual int members() const = 0;
  // Of one member, in the order of the tensors of a model file (docs/model-format.md).
  virtual std::size_t parameters() const = 0;
  virtual void values(Weights which, double* out) const = 0;
  virtual void setValues(const double* values) = 0;
  // Weights, moments, steps and average to the bit.
  virtual std::vector<std::uint8_t> state() const = 0;
  virtual void restore(const std::uint8_t* bytes, std::size_t size) = 0;
};

}  // namespace mlts
