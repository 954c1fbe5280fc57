# ZeroMQ::ZeroMQ: the system's libzmq, or the one that pip's pyzmq bundles (with CURVE, without headers: then the
# declarations of client/zmq_abi.h are used, and the library is found again at run time through RPATH).
#   in   ZeroMQ_LIBRARY to name a library; Lammps_INCLUDE_DIR and MLTS_VENV to look beside
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(_zmq QUIET libzmq)
endif()
find_path(ZeroMQ_INCLUDE_DIR zmq.h HINTS ${_zmq_INCLUDE_DIRS})
find_library(ZeroMQ_LIBRARY zmq HINTS ${_zmq_LIBRARY_DIRS})

if(NOT ZeroMQ_LIBRARY)
  file(GLOB _bundled ${MLTS_VENV}/lib/python3*/site-packages/pyzmq.libs/libzmq*.so*
                     ${Lammps_INCLUDE_DIR}/../../../pyzmq.libs/libzmq*.so*
                     ${MLTS_VENV}/lib/python3*/site-packages/zmq/.dylibs/libzmq*.dylib)
  if(_bundled)
    list(GET _bundled 0 _first)
    file(REAL_PATH ${_first} _first)
    set(ZeroMQ_LIBRARY ${_first} CACHE FILEPATH "libzmq" FORCE)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ZeroMQ REQUIRED_VARS ZeroMQ_LIBRARY
  REASON_FAILURE_MESSAGE "install libzmq (apt-get install libzmq3-dev), or give -DMLTS_VENV=<environment with pip's pyzmq>, \
or -DZeroMQ_LIBRARY=<libzmq.so>")

if(ZeroMQ_FOUND AND NOT TARGET ZeroMQ::ZeroMQ)
  add_library(ZeroMQ::ZeroMQ SHARED IMPORTED)
  set_target_properties(ZeroMQ::ZeroMQ PROPERTIES IMPORTED_LOCATION ${ZeroMQ_LIBRARY})
  if(ZeroMQ_INCLUDE_DIR)
    target_include_directories(ZeroMQ::ZeroMQ INTERFACE ${ZeroMQ_INCLUDE_DIR})
    target_compile_definitions(ZeroMQ::ZeroMQ INTERFACE MLTS_SYSTEM_ZMQ_HEADER)
  endif()
endif()
