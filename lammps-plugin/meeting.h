// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting asleep. Ranks that wait inside MPI spin, and take the processors that the server computes on.
#pragma once

#include <mpi.h>

namespace mlts {

// A barrier of the ranks of a communicator. Those of one node sleep on a condition variable in memory that they share;
// one rank of each node then waits in naps for the other nodes.
class Meeting {
 public:
  explicit Meeting(MPI_Comm world);  // collective
  ~Meeting();                        // collective
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  // Returns once every rank has called it.
  void wait();

 private:
  struct Room;

  void waitForNodes();

  MPI_Comm node_ = MPI_COMM_NULL;
  MPI_Comm leaders_ = MPI_COMM_NULL;  // rank 0 of each node; null on the others
  MPI_Win window_ = MPI_WIN_NULL;
  Room* room_ = nullptr;      // null where there is only one rank
  int rank_ = 0, ranks_ = 1;  // of the node
};

}  // namespace mlts
