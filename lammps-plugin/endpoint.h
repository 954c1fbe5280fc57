// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

namespace mlts {

// The endpoint of one rank: entry rank mod count of a comma list, with %r replaced by the rank and %n by the number of
// its node. Throws Error E_ADDRESS for an empty entry.
std::string endpointOf(const std::string& text, int rank, int node);

// Whether the text asks for the number of the node, which takes communication to find.
bool namesNode(const std::string& text);

}  // namespace mlts
