// HipnnPass of one instruction set.
#pragma once

#include <memory>
#include <vector>

#include "hipnn_pass.hpp"
#include "products.hpp"
#include "sensitivity.hpp"

namespace mlts::MLTS_ISA {

// Containers of this instruction set's own: else the linker might give another one's code to all.
template <class T>
struct Allocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Allocator<U>;
  };
};
template <class T>
using List = std::vector<T, Allocator<T>>;

template <class T>
class HipnnNetwork final : public HipnnPass<T> {
 public:
  explicit HipnnNetwork(const HipnnLayout& layout);

  void setParameters(const T* values) override;
  void forward(const HipnnAtoms<T>& atoms, T* energies) override;
  void pairGradients(T* out) override;
  void addGradient(const T* slopes, const T* tangents, T* gradient) override;

 private:
  using Array = List<T>;
  struct Layer {        // out = skip(in) + R softplus(base(in)) + b
    Array t, h, slope;  // before and after softplus, its derivative
    Array tdot, hdot;   // tangents
    Array eta, tau;     // ∂E/∂h, ∂E/∂t
  };
  struct Block {
    Array inverseMu, sigma;                      // [stride]
    Array value, slope;                          // [pairs][stride] s, ds/dr
    Array products;                              // ∂E/∂(a s), atom by atom [components][pairs of the atom][stride]
    Array environment, environmentDot;           // [atoms][components][sensitivities][inputs]
    Array environmentGradient;                   // ∂E/∂environment
    Array moments, momentsDot, momentsGradient;  // M [atoms][components][features], tangents, ∂E/∂M
    List<Layer> layers;
  };

  const T* at(std::size_t place) const { return values_ + place; }
  template <Into into>
  void affine(const AffinePlace& place, const Array& in, bool withBias, Array& out) const;
  template <Into into>
  void back(const AffinePlace& place, const Array& in, Array& out) const;
  void addWeights(const AffinePlace& place, const Array& out, const Array& in, T* gradient) const;
  void addBiases(const AffinePlace& place, const Array& out, T* gradient) const;
  void skip(int block, bool isFirst, const Array& in, Array& out) const;
  void skipBack(int block, bool isFirst, const Array& in, Array& out) const;
  void findDirections(const T* tangents);
  void findSensitivities(int block);
  void gather(int atom, int inputs, const Array& z, Array& out) const;
  void scatter(int atom, int inputs, const Array& rows, Array& zeta) const;
  const T* weigh(int block, int atom, int component, bool tangent);
  void addPairBars(int atom, int component, const T* products);
  void addParameterBars(int block, int atom, bool tangent);
  int elementOf(int pair) const { return atoms_->element[atoms_->neighbour[pair]]; }  // of its neighbour
  void sumByElement(int atom, const T* weights, T* environment);
  void findEnvironment(int block, bool tangent);
  void alongFeatures(int block, int atom, const T* environment, T* rows);
  void findMoments(int block, const Array& environment, Array& moments) const;
  void momentsBack(int block, const Array& moments, Array& environment) const;
  void addInteraction(int block, const Array& momentsBar, const Array& environment, T* gradient);
  void addNorms(int block, Array& t, Array* tdot) const;
  void normsBack(int block, const Array& tbar, bool tangent, Array& momentsBar, T* gradient);
  void pairsBack(int block, Array& zeta, T* out);
  void pairsSecondBack(int block, const Array& environmentBar, bool tangent, Array& zbar, T* gradient);
  int layerIndex(int block, int layer) const { return 1 + block * layersPerBlock_ + layer; }

  const HipnnLayout& layout_;
  int layersPerBlock_;
  const T* values_ = nullptr;
  Array transposed_;   // matrices as [inputs][outputs], at the places of the originals
  List<Array> fused_;  // [blocks] V as [features][sensitivities][inputs]
  Array outer_;        // a gradient of V in that order
  const HipnnAtoms<T>* atoms_ = nullptr;
  int n_ = 0;
  int stride_;                   // of rows of sensitivities: whole registers
  Array radius_, unit_, a_;      // [pairs], [pairs][3], [pairs][components]
  List<Taper<T>> taper_;         // [pairs]
  Array radiusDot_, aDot_;       // tangents
  List<Array> z_, zdot_, zeta_;  // inputs of the first and outputs of every layer; tangents; ∂E/∂z
  List<Block> blocks_;
  // Of the pairs of one atom, rows [pairs]:
  Array weight_, weightDot_;             // [stride] a s and its tangent
  Array zNear_, zdotNear_, back_;        // [inputs] features of the neighbours, tangents, adjoints
  Array ofValue_, barValue_, barSlope_;  // [stride] adjoints of a s, of s, of ds/dr
  Array byRadius_, byA_, byMu_, bySigma_;
  Array turned_;             // [inputs][stride] an environment transposed, then zeros
  Array sums_, turnedSums_;  // [elements][stride] sums by element, and transposed
};

}  // namespace mlts::MLTS_ISA
