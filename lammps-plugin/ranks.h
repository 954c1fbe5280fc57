// SPDX-License-Identifier: GPL-2.0-or-later
// What ranks do together.
#pragma once

#include <mpi.h>

#include <functional>
#include <string>

namespace mlts {

// Runs `work` on every rank of `world` and waits, asleep, until all are through: ranks that spin would take the cores
// that the server computes on. Returns the same text on every rank: empty where none threw, else what the lowest rank
// that threw has to say.
std::string agree(MPI_Comm world, const std::function<void()>& work);

// Number of this rank's node, counted from 0 in the order of the nodes' lowest ranks. Collective.
int nodeNumber(MPI_Comm world);

}  // namespace mlts
