// SPDX-License-Identifier: GPL-2.0-or-later
// The binary interface of LAMMPS' `plugin load` (https://docs.lammps.org/Developer_plugins.html), declared here because
// packaged LAMMPS headers leave it out.
#pragma once

extern "C" {

struct lammpsplugin_t {
  const char* version;
  const char* style;
  const char* name;
  const char* info;
  const char* author;
  union {
    void* (*v1)(void* lammps);
    void* (*v2)(void* lammps, int narg, char** arg);
  } creator;
  void* handle;
};

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t* plugin, void* lammps);

// Called by `plugin load` with the LAMMPS instance, the handle of this library and the function that registers a style.
__attribute__((visibility("default"))) void lammpsplugin_init(void* lammps, void* handle, void* regfunc);
}
