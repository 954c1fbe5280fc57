#pragma once

#include <napi.h>

namespace mlts::bridge {

// new Trainer(model, threads, precision, descriptorBytes, isa): what src/training/engine.ts describes, on threads of
// its own.
Napi::Function defineTrainer(Napi::Env env);

}  // namespace mlts::bridge
