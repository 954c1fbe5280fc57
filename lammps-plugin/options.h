// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

namespace mlts {

// The arguments of pair_style mlts.
struct Options {
  std::string endpoint;  // as written, with %r, %n and commas
  std::string model;     // empty: the server's only one
  std::string precision = "single";
  std::string keyFile;              // empty: no CURVE
  double timeout = 60;              // s
  bool sigma = true;                // uncertainties can be asked for
  std::optional<double> threshold;  // σ_F in the deck's force unit; without: 0.3 eV/Å
};

constexpr double defaultThreshold = 0.3;  // eV/Å

// Throws Error E_USAGE for a keyword that is unknown or given twice, and for values out of bounds.
Options parseOptions(int narg, char** arg);

}  // namespace mlts
