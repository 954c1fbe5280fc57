// SPDX-License-Identifier: GPL-2.0-or-later
// What ranks do together.
#pragma once

#include <mpi.h>

#include <chrono>
#include <functional>
#include <string>

namespace mlts {

// How long this rank waited for others, step after step.
class Pace {
 public:
  // Waits asleep: first for most of the usual time, then in naps. Ranks that spin would take the cores that the server
  // computes on.
  void wait(MPI_Request* request);

 private:
  std::chrono::duration<double> usual_{0};
};

// Runs `work` on every rank of `world` and waits, asleep, until all are through. Returns the same text on every rank:
// empty where none threw, else what the lowest rank that threw has to say. `pace`: of the same work the last times.
std::string agree(MPI_Comm world, const std::function<void()>& work, Pace& pace);
std::string agree(MPI_Comm world, const std::function<void()>& work);

// Whether the text is the same on all ranks. Collective.
bool sameOnAll(MPI_Comm world, const std::string& text);

// The text of the only rank that has one, on all ranks. Collective.
std::string fromAny(MPI_Comm world, const std::string& text);

// Number of this rank's node, counted from 0 in the order of the nodes' lowest ranks. Collective.
int nodeNumber(MPI_Comm world);

}  // namespace mlts
