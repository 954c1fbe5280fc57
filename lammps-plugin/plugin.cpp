// SPDX-License-Identifier: GPL-2.0-or-later
#include "lammps.h"
#include "lammps_plugin.h"
#include "pair_mlts.h"

namespace {

void* createPair(void* lammps) { return new LAMMPS_NS::PairMLTS(static_cast<LAMMPS_NS::LAMMPS*>(lammps)); }

}  // namespace

extern "C" void lammpsplugin_init(void* lammps, void* handle, void* regfunc) {
  lammpsplugin_t plugin{};
#if defined(MLTS_LAMMPS_VERSION)
  plugin.version = MLTS_LAMMPS_VERSION;  // LAMMPS says so if it is another one
#else
  plugin.version = static_cast<LAMMPS_NS::LAMMPS*>(lammps)->version;
#endif
  plugin.style = "pair";
  plugin.name = "mlts";
  plugin.info = "mlts " MLTS_VERSION " (machine-learned potentials from an mlts server)";
  plugin.author = "the mlts developers";
  plugin.creator.v1 = createPair;
  plugin.handle = handle;
  reinterpret_cast<lammpsplugin_regfunc>(regfunc)(&plugin, lammps);
}
