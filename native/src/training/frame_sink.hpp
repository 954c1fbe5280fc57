#pragma once

namespace mlts {

// Takes a frame's predictions; what it leaves in them are the loss's derivatives.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // index: of the frame in the chunk. energy: eV, self energies left out. hierarchicality: Σ_i R_i of a HIP-NN, else 0.
  // forces [atoms][3], virial [9]: null where they were not computed. Returns whether forces or virial have a
  // derivative other than 0.
  virtual bool take(int index, int member, double& energy, double& hierarchicality, double* forces, double* virial) = 0;
};

}  // namespace mlts
