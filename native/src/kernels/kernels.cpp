// Compiled once per instruction set: the tables through which the driver reaches that set's kernels.
#include "descriptor.hpp"
#include "hipnn_layers.hpp"
#include "neighbours.hpp"
#include "network.hpp"
#include "peak.hpp"

namespace mlts::MLTS_ISA {

extern const Kernels<float> singleKernels{
    neighbourKernels<float>,
    descriptorKernels<float>,
    {tileRows, multiply<float>, multiplyTransposed<float>, output<float>, peak<float>},
    &hipnnKernels<float>,
};
extern const Kernels<double> doubleKernels{
    neighbourKernels<double>,
    descriptorKernels<double>,
    {tileRows, multiply<double>, multiplyTransposed<double>, output<double>, peak<double>},
    &hipnnKernels<double>,
};

}  // namespace mlts::MLTS_ISA
