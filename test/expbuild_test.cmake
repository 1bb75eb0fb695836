# expbuild_test(NAME LABELS label... SOURCES file... LIBS target...)
# One executable of CAF test suites; one ctest entry per CAF_SUITE in its sources. Not optimised: the compiler
# works longer on them than they run.
function(expbuild_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS;SOURCES;LIBS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  expbuild_program(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE expbuild_test_main ${ARG_LIBS})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O0;-U_FORTIFY_SOURCE>)
  foreach(source IN LISTS ARG_SOURCES)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    file(STRINGS "${source}" lines REGEX "^#define CAF_SUITE ")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#define CAF_SUITE +([^ ]+).*" "\\1" suite "${line}")
      string(REPLACE "." "\\." pattern "${suite}")
      # CAF test exits 0 when no suite matches: that must not count as a pass.
      add_test(NAME ${suite} COMMAND ${name} -n -v 4 -r ${ARG_TIMEOUT} -s "^${pattern}$")
      set_tests_properties(${suite} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
        FAIL_REGULAR_EXPRESSION "suites:  0")
    endforeach()
  endforeach()
endfunction()
