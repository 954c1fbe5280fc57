// Compiled once per instruction set, as kernels.cpp: the tables of that set's training kernels.
#include "descriptor_tangent.hpp"
#include "training_descriptor.hpp"
#include "training_optimiser.hpp"
#include "training_products.hpp"

namespace mlts::MLTS_ISA {

template <class T>
constexpr TrainingKernels<T> trainingKernels{
    trainingMultiply<T>,
    trainingOutput<T>,
    outputAdjoint<T>,
    weightGradient<T>,
    columnSums<T>,
    transposePanels<T>,
    gather<T>,
    adam<T>,
    average<T>,
    unpack<T>,
    trainingForwardBytes<T>,
    trainingForward<T>,
    TangentScratch<T>::bytes,
    tangent<T>,
};

extern const TrainingKernels<float> singleTraining = trainingKernels<float>;
extern const TrainingKernels<double> doubleTraining = trainingKernels<double>;

}  // namespace mlts::MLTS_ISA
