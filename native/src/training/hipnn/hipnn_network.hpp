// One HIP-NN on the atoms of several frames at once: energies, their gradients with respect to the vectors of the
// pairs, and the gradient of
//
//     S = Σ_i a_i E_i + d/dt Σ_i E_i(D + tḊ)
//
// with respect to every parameter. With a = ∂L/∂E and Ḋ along −∂L/∂F that is the gradient of a loss in energies and
// forces: the second derivatives are taken by one tangent and one reverse pass.
#pragma once

#include <vector>

#include "hipnn_layout.hpp"
#include "sensitivity.hpp"

namespace mlts {

// Atoms of frames one after the other; pairs are directed and sorted by the first atom.
template <class T>
struct HipnnAtoms {
  std::vector<int> element;    // [atoms] place in the model's elements
  std::vector<int> first;      // [atoms + 1] first pair
  std::vector<int> neighbour;  // [pairs] atom
  std::vector<T> vectors;      // [pairs][3] Å, from the atom to its neighbour, shorter than the cutoff
  int atoms() const { return static_cast<int>(element.size()); }
  int pairs() const { return static_cast<int>(neighbour.size()); }
};

template <class T>
class HipnnNetwork {
 public:
  explicit HipnnNetwork(const HipnnLayout& layout);

  // Derives what the passes need from the parameters [layout.size]; they must stay.
  void setParameters(const T* values);
  // energies [atoms] eV, self energies left out. The atoms must stay until the passes below are done.
  void forward(const HipnnAtoms<T>& atoms, T* energies);
  // ∂ΣE/∂D [pairs][3] eV/Å, after `forward`.
  void pairGradients(T* out);
  // Adds ∂S/∂θ to gradient [layout.size]. slopes: a [atoms]. tangents: Ḋ [pairs][3], after `pairGradients`; or null
  // for 0, after `forward`.
  void addGradient(const T* slopes, const T* tangents, T* gradient);

 private:
  using Array = std::vector<T>;
  struct Layer {        // out = skip(in) + R softplus(base(in)) + b
    Array t, h, slope;  // before and after softplus, its derivative
    Array tdot, hdot;   // tangents
    Array eta, tau;     // ∂E/∂h, ∂E/∂t
  };
  struct Block {
    std::vector<SensitivityValue<T>> sensitivities;  // [pairs][sensitivities]
    Array environment, environmentDot;               // [atoms][components][sensitivities][inputs]
    Array environmentGradient;                       // ∂E/∂environment
    Array moments, momentsDot, momentsGradient;      // M [atoms][components][features], tangents, ∂E/∂M
    std::vector<Layer> layers;
  };

  const T* at(std::size_t place) const { return values_ + place; }
  void affine(const AffinePlace& place, const Array& in, bool withBias, Array& out) const;
  void back(const AffinePlace& place, const Array& in, Array& out) const;
  void addWeights(const AffinePlace& place, const Array& out, const Array& in, T* gradient) const;
  void addBiases(const AffinePlace& place, const Array& out, T* gradient) const;
  void skip(int block, bool isFirst, const Array& in, Array& out) const;
  void skipBack(int block, bool isFirst, const Array& in, Array& out) const;
  void findDirections(const T* tangents);
  void findEnvironment(int block, bool tangent);
  void findMoments(int block, const Array& environment, Array& moments) const;
  void momentsBack(int block, const Array& moments, Array& environment) const;
  void addNorms(int block, Array& t, Array* tdot) const;
  void normsBack(int block, const Array& tbar, bool tangent, Array& momentsBar, T* gradient);
  void pairsBack(int block, Array& zeta, T* out);
  void pairsSecondBack(int block, const Array& environmentBar, bool tangent, Array& zbar, T* gradient) const;
  int layerIndex(int block, int layer) const { return 1 + block * layersPerBlock_ + layer; }

  const HipnnLayout& layout_;
  int layersPerBlock_;
  const T* values_ = nullptr;
  Array transposed_;  // matrices as [inputs][outputs], at the places of the originals
  const HipnnAtoms<T>* atoms_ = nullptr;
  int n_ = 0;
  Array radius_, unit_, a_;             // [pairs], [pairs][3], [pairs][components]
  Array radiusDot_, aDot_;              // tangents
  std::vector<Array> z_, zdot_, zeta_;  // inputs of the first and outputs of every layer; tangents; ∂E/∂z
  std::vector<Block> blocks_;
};

}  // namespace mlts
