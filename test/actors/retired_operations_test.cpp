#define CAF_SUITE actors.retired_operations
#include "actors/retired_operations.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace std::chrono_literals;

namespace {

operation_state finished(const std::string& name, std::size_t response_bytes = 0) {
  auto response = std::make_shared<reapi::ExecuteResponse>();
  response->set_message(std::string(response_bytes, 'x'));
  return {.name = name,
          .action = {},
          .stage = execution_stage::completed,
          .metadata = {},
          .response = response};
}

} // namespace

CAF_TEST(a finished operation can be asked for until its time is over) {
  retired_operations retired({.ttl = 300s, .max_operations = 10, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  retired.add(finished("a"), now);
  retired.add(finished("b"), now + 10s);
  CAF_CHECK(retired.expire(now + 299s).empty());
  CAF_CHECK(retired.find("a") != nullptr);
  const auto gone = retired.expire(now + 300s);
  CAF_REQUIRE_EQUAL(gone.size(), 1u);
  CAF_CHECK_EQUAL(gone[0], "a");
  CAF_CHECK(retired.find("a") == nullptr);
  CAF_CHECK(retired.find("b") != nullptr);
  CAF_CHECK(retired.next_expiry() == now + 310s);
}

CAF_TEST(past a limit the oldest finished operations go early) {
  retired_operations retired({.ttl = 300s, .max_operations = 2, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  for (const auto* name : {"a", "b", "c"})
    retired.add(finished(name), now);
  CAF_CHECK_EQUAL(retired.expire(now).size(), 1u);
  retired.add(finished("big", 2000), now);
  retired.expire(now);
  CAF_CHECK(retired.size() <= 1u);
}

CAF_TEST(what a finished operation knows besides its response counts) {
  retired_operations retired({.ttl = 300s, .max_operations = 10, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  for (const auto* name : {"a", "b"}) {
    auto x = finished(name);
    x.metadata.add_auxiliary_metadata()->set_value(std::string(600, 'x'));
    retired.add(std::move(x), now);
  }
  CAF_CHECK_EQUAL(retired.expire(now).size(), 1u);
  CAF_CHECK(retired.find("b") != nullptr);
}

CAF_TEST(a deleted operation is gone at once and frees its place) {
  retired_operations retired({.ttl = 300s, .max_operations = 2, .max_bytes = 1000});
  const auto now = retired_operations::time_point{} + 1h;
  retired.add(finished("a"), now);
  retired.add(finished("b"), now + 10s);
  retired.erase("a");
  retired.erase("nobody");
  CAF_CHECK(retired.find("a") == nullptr);
  CAF_CHECK(retired.next_expiry() == now + 310s);
  retired.add(finished("c"), now + 20s);
  CAF_CHECK(retired.expire(now + 20s).empty());
  CAF_CHECK_EQUAL(retired.size(), 2u);
}
