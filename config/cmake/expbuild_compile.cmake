# How every target of ours is compiled: language, warnings, hardening, sanitizers.
get_filename_component(EXPBUILD_ROOT "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(EXPBUILD_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

# What was compiled in one folder is found from another (base_dir, with which ccache gives the compiler relative
# paths), a miss costs no extra run of the preprocessor (depend_mode), and precompiled headers may be cached (the
# sloppiness: nothing of ours may use __TIME__).
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_DEPEND=1 "CCACHE_BASEDIR=${EXPBUILD_ROOT}"
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
endif()
find_program(LLD ld.lld)
if(LLD)
  add_link_options(-fuse-ld=lld)
endif()

if(EXPBUILD_SANITIZE)
  # caf/detail/init_fun_factory.hpp binds a null reference for functions without arguments. The other
  # checks look at every access, which doubles the time of compiling: ASan sees what is wrong there.
  add_compile_options(-fsanitize=${EXPBUILD_SANITIZE} -fno-sanitize=null,alignment,object-size,vptr
    -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${EXPBUILD_SANITIZE})
  add_library(expbuild_sanitizer_defaults OBJECT "${CMAKE_CURRENT_LIST_DIR}/sanitizer_defaults.cpp")
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()
file(RELATIVE_PATH EXPBUILD_UP "${CMAKE_BINARY_DIR}" "${EXPBUILD_ROOT}")
add_compile_options(-fstack-protector-strong -fcf-protection
  -ffile-prefix-map=${EXPBUILD_ROOT}/= -ffile-prefix-map=${EXPBUILD_UP}=)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

# Warnings are for our own code; generated code is compiled without them.
add_library(expbuild_warnings INTERFACE)
target_compile_options(expbuild_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wunused -Wformat=2 -Werror
  -Wno-deprecated-declarations # the protocol marks fields that older clients still need
  -Wno-error=maybe-uninitialized) # guesses wrongly inside inlined library headers
if(EXPBUILD_SANITIZE STREQUAL "thread")
  target_compile_options(expbuild_warnings INTERFACE -Wno-tsan) # it does not know fences
endif()

# expbuild_library(NAME sources...): a static library of ours, seen from the repository's root.
function(expbuild_library name)
  add_library(${name} STATIC ${ARGN})
  target_include_directories(${name} PUBLIC "${EXPBUILD_ROOT}")
  target_link_libraries(${name} PRIVATE expbuild_warnings)
endfunction()

function(expbuild_program name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE "${EXPBUILD_ROOT}")
  target_link_libraries(${name} PRIVATE expbuild_warnings)
  if(TARGET expbuild_sanitizer_defaults)
    target_link_libraries(${name} PRIVATE expbuild_sanitizer_defaults)
  endif()
endfunction()

# expbuild_precompile(TARGET headers... | REUSE_FROM TARGET): reads headers of others that most files of the target
# include once, not once per file. It is for speed alone: every file includes what it uses, and the preset "lint"
# compiles without. Only what most files need anyway pays: each instantiates the inline functions of all of them.
function(expbuild_precompile name)
  if(ARGV1 STREQUAL "REUSE_FROM")
    target_precompile_headers(${name} ${ARGN})
  else()
    target_precompile_headers(${name} PRIVATE <algorithm> <atomic> <chrono> <filesystem> <functional> <map> <memory>
      <mutex> <optional> <set> <string> <unordered_map> <vector> <absl/status/statusor.h> ${ARGN})
  endif()
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    # libstdc++ switches these off in <string> by pragmas, which gcc forgets when it precompiles.
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()
