#define CAF_SUITE services.dialect
#include "services/dialect.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

using namespace expbuild;

namespace {

struct row {
  const char* tool;
  std::int64_t finished; // 40 compressed bytes of 100
  std::int64_t there;
};

} // namespace

CAF_TEST(each client is told the committed size of a compressed upload that it expects) {
  const std::vector<row> table{{"bazel", 40, -1},
                               {"Bazel", 40, -1},
                               {"buck2", 40, -1},
                               {"siso", 100, 100},
                               {"siso/1.6.4", 100, 100},
                               {"reclient", 100, 100},
                               {"remote-apis-sdks", 100, 100},
                               {"recc", -1, -1},
                               {"", -1, -1},
                               {"bazelisk", -1, -1}};
  for (const auto& [tool, finished, there] : table) {
    const auto x = dialect::of(tool);
    CAF_CHECK_EQUAL(x.size_when_finished(40, 100), finished);
    CAF_CHECK_EQUAL(x.size_when_there(100), there);
  }
}
