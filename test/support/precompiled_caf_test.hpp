#pragma once
#include <caf/test/unit_test.hpp>

/// CAF's test macros as they can be precompiled: each suite must still be able to name itself,
/// which unit_test.hpp takes for done once it was read. Not for inclusion by tests.
#undef CAF_SUITE
