# Finds Debian's libcaf-dev, which ships no CMake package of its own.
# Targets: CAF::core, CAF::io, CAF::test (headers only). Usage:
#   find_package(CAF 0.17.6 REQUIRED COMPONENTS core test)
include(FindPackageHandleStandardArgs)
find_package(Threads QUIET)

find_path(CAF_INCLUDE_DIR caf/actor_system.hpp)
if(CAF_INCLUDE_DIR)
  # CAF_VERSION is MMmmpp: 1706 is 0.17.6.
  file(STRINGS "${CAF_INCLUDE_DIR}/caf/config.hpp" _caf_line REGEX "#define CAF_VERSION +[0-9]+")
  string(REGEX MATCH "[0-9]+$" _caf_number "${_caf_line}")
  math(EXPR _caf_major "${_caf_number} / 10000")
  math(EXPR _caf_minor "${_caf_number} / 100 % 100")
  math(EXPR _caf_patch "${_caf_number} % 100")
  set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
endif()

foreach(_caf_part core io)
  find_library(CAF_${_caf_part}_LIBRARY caf_${_caf_part})
  mark_as_advanced(CAF_${_caf_part}_LIBRARY)
  if(CAF_INCLUDE_DIR AND CAF_${_caf_part}_LIBRARY)
    set(CAF_${_caf_part}_FOUND TRUE)
    if(NOT TARGET CAF::${_caf_part})
      add_library(CAF::${_caf_part} UNKNOWN IMPORTED)
      set_target_properties(CAF::${_caf_part} PROPERTIES
        IMPORTED_LOCATION "${CAF_${_caf_part}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES Threads::Threads)
    endif()
  endif()
endforeach()

if(EXISTS "${CAF_INCLUDE_DIR}/caf/test/dsl.hpp" AND CAF_core_FOUND AND CAF_io_FOUND)
  set(CAF_test_FOUND TRUE)
  if(NOT TARGET CAF::test)
    add_library(CAF::test INTERFACE IMPORTED)
    set_target_properties(CAF::test PROPERTIES INTERFACE_LINK_LIBRARIES "CAF::io;CAF::core")
  endif()
endif()

mark_as_advanced(CAF_INCLUDE_DIR)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_INCLUDE_DIR CAF_core_LIBRARY VERSION_VAR CAF_VERSION HANDLE_COMPONENTS)
