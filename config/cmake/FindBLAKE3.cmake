# Finds BLAKE3 in LLVM's support library, which has it since version 15 (Debian: llvm-15-dev) and is
# linked statically. Target: BLAKE3::BLAKE3.
include(FindPackageHandleStandardArgs)
find_package(Threads QUIET)

set(_blake3_hints "")
foreach(_blake3_version RANGE 21 15 -1)
  list(APPEND _blake3_hints /usr/lib/llvm-${_blake3_version})
endforeach()
find_path(BLAKE3_INCLUDE_DIR llvm-c/blake3.h HINTS ${_blake3_hints} PATH_SUFFIXES include)
if(BLAKE3_INCLUDE_DIR) # of the same version
  find_library(BLAKE3_LIBRARY libLLVMSupport.a HINTS "${BLAKE3_INCLUDE_DIR}/../lib" NO_DEFAULT_PATH)
endif()

mark_as_advanced(BLAKE3_INCLUDE_DIR BLAKE3_LIBRARY)
find_package_handle_standard_args(BLAKE3 REQUIRED_VARS BLAKE3_LIBRARY BLAKE3_INCLUDE_DIR)
if(BLAKE3_FOUND AND NOT TARGET BLAKE3::BLAKE3)
  add_library(BLAKE3::BLAKE3 STATIC IMPORTED)
  set_target_properties(BLAKE3::BLAKE3 PROPERTIES
    IMPORTED_LOCATION "${BLAKE3_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${BLAKE3_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
