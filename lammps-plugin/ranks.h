// SPDX-License-Identifier: GPL-2.0-or-later
// What ranks do together.
#pragma once

#include <mpi.h>

#include <functional>
#include <string>

#include "meeting.h"

namespace mlts {

// Runs `work` on every rank of `world` and waits, asleep, until all are through. Returns the same text on every rank:
// empty where none threw, else what the lowest rank that threw has to say. `meeting`: of `world`.
std::string agree(MPI_Comm world, Meeting& meeting, const std::function<void()>& work);

// Whether the text is the same on all ranks. Collective.
bool sameOnAll(MPI_Comm world, const std::string& text);

// The text of the only rank that has one, on all ranks. Collective.
std::string fromAny(MPI_Comm world, const std::string& text);

// Number of this rank's node, counted from 0 in the order of the nodes' lowest ranks. Collective.
int nodeNumber(MPI_Comm world);

}  // namespace mlts
