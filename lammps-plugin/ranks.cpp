// SPDX-License-Identifier: GPL-2.0-or-later
#include "ranks.h"

#include <chrono>
#include <climits>
#include <exception>
#include <thread>

namespace mlts {

namespace {

// Most ranks are through within microseconds of each other; those that are not have a long wait.
void waitAsleep(MPI_Request* request) {
  constexpr int spins = 50;
  for (int done = 0, tries = 0; !done; tries++) {
    if (tries > spins) std::this_thread::sleep_for(std::chrono::microseconds(20));
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
  }
}

}  // namespace

std::string agree(MPI_Comm world, const std::function<void()>& work) {
  std::string cause;
  int ranks, rank;
  MPI_Comm_size(world, &ranks);
  MPI_Comm_rank(world, &rank);
  try {
    work();
  } catch (const std::exception& error) {
    cause = error.what();
    if (ranks > 1) cause += " (rank " + std::to_string(rank) + ")";
  }
  if (ranks == 1) return cause;

  int mine = cause.empty() ? INT_MAX : rank, first = INT_MAX;
  MPI_Request request;
  MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, world, &request);
  waitAsleep(&request);
  if (first == INT_MAX) return {};

  int length = static_cast<int>(cause.size());
  MPI_Bcast(&length, 1, MPI_INT, first, world);
  cause.resize(static_cast<std::size_t>(length));
  MPI_Bcast(cause.data(), length, MPI_CHAR, first, world);
  return cause;
}

int nodeNumber(MPI_Comm world) {
  MPI_Comm node;
  int rank, first, me;
  MPI_Comm_rank(world, &me);
  MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, me, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &rank);
  const int leader = rank == 0;
  MPI_Scan(&leader, &first, 1, MPI_INT, MPI_SUM, world);
  int number = first - 1;
  MPI_Bcast(&number, 1, MPI_INT, 0, node);
  MPI_Comm_free(&node);
  return number;
}

}  // namespace mlts
