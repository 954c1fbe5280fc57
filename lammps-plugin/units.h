// SPDX-License-Identifier: GPL-2.0-or-later
// The one place where eV become the deck's energy unit. Lengths are Å in both unit styles that are taken.
#pragma once

#include <optional>
#include <string_view>

namespace mlts {

// 1 eV in kcal/mol (thermochemical): N_A e / 4184 J, CODATA 2018.
constexpr double kcalPerMol = 6.02214076e23 * 1.602176634e-19 / 4184;

// 1 eV in the energy unit of a LAMMPS unit style; nothing for styles whose lengths are not Å or that have no units.
inline std::optional<double> electronVoltIn(std::string_view unitStyle) {
  if (unitStyle == "metal") return 1.0;
  if (unitStyle == "real") return kcalPerMol;
  return std::nullopt;
}

}  // namespace mlts
