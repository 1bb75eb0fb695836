// CAF test's runner, with its main.
#include "caf/test/unit_test_impl.hpp"
