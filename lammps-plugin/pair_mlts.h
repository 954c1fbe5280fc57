// SPDX-License-Identifier: GPL-2.0-or-later
// pair_style mlts: sends atoms to an mlts server and adds the forces that come back. Ranks with one and the same server
// send the whole periodic system through rank 0; with several servers each rank sends a domain, its own and ghost
// atoms.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "gathered.h"
#include "meeting.h"
#include "options.h"
#include "pair.h"
#include "ranks.h"
#include "selection.h"
#include "uncertainty.h"

namespace LAMMPS_NS {

class PairMLTS : public Pair {
 public:
  explicit PairMLTS(class LAMMPS* lmp);
  ~PairMLTS() override;

  void settings(int narg, char** arg) override;
  void coeff(int narg, char** arg) override;
  void init_style() override;
  double init_one(int i, int j) override;
  void compute(int eflag, int vflag) override;

  int pack_reverse_comm(int n, int first, double* buf) override;
  void unpack_reverse_comm(int n, int* list, double* buf) override;

  // For `fix pair`: "sigma_f", "sigma_e" per atom, "sigma_f_flag", "sigma_e_flag" to ask for them on a step.
  void* extract(const char* name, int& dim) override;
  void* extract_peratom(const char* name, int& columns) override;
  double memory_usage() override;

 private:
  // Raises on every rank what `work` threw on any.
  void together(const std::function<void()>& work);
  void connect();
  std::string moverOfGhosts() const;
  void checkElements() const;
  void checkRun();
  void checkGhosts() const;
  void checkTypePairs() const;
  mlts::Want wanted(bool sigma) const;
  mlts::Box box() const;
  const mlts::Evaluation* ask(mlts::Want want);
  const mlts::Evaluation* askForAll(mlts::Want want);
  std::string noteOnAtom(long number, long place) const;
  void add(const mlts::Evaluation& evaluation);
  void warnOfRecovery();
  void updateSigma(const mlts::Evaluation* evaluation);

  // What `compute pair` finds in pvector: max σ_F, σ_E, mean σ_F, atoms above the threshold.
  static constexpr int extraNumbers = 4;

  mlts::Options options_;
  mlts::Model model_;
  std::unique_ptr<mlts::Client> client_;
  bool oneServer_ = true;  // all ranks have the same
  bool whole_ = true;      // in this run the ranks' atoms go as one system, not as a domain each
  mlts::Gathered gathered_;
  mlts::Meeting meeting_;          // where ranks wait for those that ask
  std::vector<int32_t> numberOf_;  // [type] atomic number, 0 for NULL
  double energyUnit_ = 1;          // 1 eV in the deck's unit
  double threshold_ = 0;           // the deck's unit
  mlts::Selection selection_;
  bool checked_ = false;         // by checkRun in this run
  bool changed_ = true;          // the server does not yet know the selected atoms
  mlts::Evaluation evaluation_;  // this rank's of the last step, where rank 0 spoke for all
  mlts::Uncertainty uncertainty_;
  int sigmaForceFlag_ = 0, sigmaEnergyFlag_ = 0;  // set by `fix pair` before, cleared after a step
  bool sigmaFresh_ = false;                       // uncertainty_ and pvector are of the last evaluation
  int recoveries_ = 0;
};

}  // namespace LAMMPS_NS
