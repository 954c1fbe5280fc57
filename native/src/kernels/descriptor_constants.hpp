// Builds and owns what Descriptor<T> points at, from a model's parameters in double precision.
#pragma once

#include <vector>

#include "../runtime/buffer.hpp"
#include "interface.hpp"
#include "mlts/potential.hpp"

namespace mlts {

template <class T>
class DescriptorConstants {
 public:
  // Throws E_MODEL for parameters no kernel can work with.
  explicit DescriptorConstants(const AniModel& model);

  const Descriptor<T>& view() const { return view_; }
  // Index of a column in the model's own order (radial by element, then angular by pair, shell, section), −1: padding.
  int column(int block, int lane) const;

 private:
  void setRadial(const AniModel& model);
  void setAngular(const AniModel& model);
  void setPower(const AniModel& model);
  void setSectionWindow(const AniModel& model);

  Descriptor<T> view_{};
  std::vector<int> sourceShell_, sourceSection_;  // the model's order of shells and sections, here ascending
  Buffer<double> halves_;
  Buffer<T> shiftsR_, shiftsA_, cosZ_, sinZ_, polynomial_;
};

}  // namespace mlts
