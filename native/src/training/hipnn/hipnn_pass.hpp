// One HIP-NN on the atoms of several frames at once: energies, their gradients with respect to the vectors of the
// pairs, and the gradient of
//
//     S = Σ_i Σ_n a_iⁿ E_iⁿ + d/dt Σ_i E_i(D + tḊ),  E_i = Σ_n E_iⁿ over the blocks n
//
// with respect to every parameter. With a = ∂L/∂E and Ḋ along −∂L/∂F that is the gradient of a loss in energies and
// forces: the second derivatives are taken by one tangent and one reverse pass. Compiled once per instruction set.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hipnn_layout.hpp"

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
class HipnnPass {
 public:
  // isa: as selectKernels names it. The layout must stay.
  static std::unique_ptr<HipnnPass> create(const HipnnLayout& layout, const std::string& isa);
  virtual ~HipnnPass() = default;

  // Derives what the passes need from the parameters [layout.map.size]; they must stay.
  virtual void setParameters(const T* values) = 0;
  // energies Eⁿ [blocks][atoms] eV, self energies left out. The atoms must stay until the passes below are done.
  virtual void forward(const HipnnAtoms<T>& atoms, T* energies) = 0;
  // ∂ΣE/∂D [pairs][3] eV/Å, after `forward`.
  virtual void pairGradients(T* out) = 0;
  // Adds ∂S/∂θ to gradient [layout.map.size]. slopes: a [blocks][atoms]. tangents: Ḋ [pairs][3], after `pairGradients`;
  // or null for 0, after `forward`.
  virtual void addGradient(const T* slopes, const T* tangents, T* gradient) = 0;
};

}  // namespace mlts
