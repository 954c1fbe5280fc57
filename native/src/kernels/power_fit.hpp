// h^x on [0, 1] as h^power times a polynomial: a few multiplications where log and exp would be needed.
#pragma once

#include <optional>
#include <vector>

namespace mlts {

struct PowerFit {
  int power;                       // ≥ 0
  std::vector<double> polynomial;  // ascending coefficients
  double error;                    // largest absolute error on [0, 1]
};

// The cheapest fit of h^exponent with error ≤ tolerance; exact for an integer exponent. None if no polynomial of
// degree ≤ 8 will do, as for small exponents that are not integers.
std::optional<PowerFit> fitPower(double exponent, double tolerance);

}  // namespace mlts
