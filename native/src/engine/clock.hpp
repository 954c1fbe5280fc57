#pragma once

#include <chrono>

namespace mlts {

// Adds the milliseconds since the last mark to a stage.
class Clock {
 public:
  void mark(double& stage) {
    const auto now = std::chrono::steady_clock::now();
    stage += std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace mlts
