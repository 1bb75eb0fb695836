# The house rules that a script can hold.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME style.layers COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/test/check_layers.py" "${PROJECT_SOURCE_DIR}")
add_test(NAME style.layers_self COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/test/check_layers.py" --self)
add_test(NAME style.sizes COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/test/check_sizes.py" "${PROJECT_SOURCE_DIR}")
set_tests_properties(style.layers style.layers_self style.sizes PROPERTIES LABELS style)
