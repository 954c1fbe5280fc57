// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace mlts {

// Atomic number of a symbol ("H", exact case) or of digits ("8"); 0 if it is neither.
int atomicNumber(const std::string& text);

// "O" for 8.
std::string symbolOf(int number);

// "H, C, N, O"
std::string symbolsOf(const std::vector<int>& numbers);

}  // namespace mlts
