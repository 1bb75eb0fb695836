#define CAF_SUITE services.watch
#include "test/services/status_fixture.hpp"

#include "expbuild/admin/v1/admin.grpc.pb.h"

#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture : status_fixture {
  void begin_actions(std::uint64_t from, std::uint64_t to) {
    for (auto i = from; i < to; ++i)
      caf::anon_send(context->recorder, action_began{.trace = {},
                                                     .execution = i,
                                                     .operation = "operation-" + std::to_string(i),
                                                     .action = digest::of(std::to_string(i)),
                                                     .asker = {},
                                                     .loaded = nullptr});
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(watch_tests, fixture)

CAF_TEST(whoever watches is told of every action or of how many were left out) {
  constexpr std::uint64_t count = 5000;
  client_context call;
  admin::v1::WatchRequest request;
  request.set_actions(true);
  request.mutable_status_every()->set_seconds(1);
  const auto events = stub<admin::v1::Admin>()->Watch(&call, request);
  admin::v1::WatchEvent event;
  CAF_REQUIRE(events->Read(&event)); // a status: it is watched
  std::thread actions([this] { begin_actions(1, count + 1); });
  for (std::uint64_t told = 0; told < count && events->Read(&event);) {
    told += event.has_action() ? 1 : static_cast<std::uint64_t>(event.lost().events());
    CAF_CHECK(told <= count + 10); // a lost status counts, too
  }
  actions.join();
  call.TryCancel();
  CAF_CHECK(events->Finish().error_code() == grpc::StatusCode::CANCELLED);
}

CAF_TEST(watchers may leave at any moment) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    client_context call;
    admin::v1::WatchRequest request;
    request.set_actions(true);
    request.mutable_status_every()->set_seconds(1); // the first comes at once
    const auto events = stub<admin::v1::Admin>()->Watch(&call, request);
    begin_actions(1 + 20 * i, 21 + 20 * i);
    admin::v1::WatchEvent event;
    if (i % 2 == 0)
      CAF_CHECK(events->Read(&event));
    call.TryCancel();
    CAF_CHECK(!events->Finish().ok());
  }
  CAF_CHECK(server->serving());
}

CAF_TEST_FIXTURE_SCOPE_END()
