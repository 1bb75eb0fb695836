#define CAF_SUITE actors.trace
#include "actors/recorder.hpp"
#include "actors/reply.hpp"
#include "actors/stream_sink.hpp"
#include "test/support/actors.hpp"

#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct relay_state {
  relay_state() {} // NOLINT: CAF must not take it for an aggregate
  static inline const char* name = "relay";
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(trace_tests, actor_fixture)

CAF_TEST(a reply that nobody calls ends with UNAVAILABLE and the first call wins) {
  answer_box<unit> dropped;
  { const auto unused = dropped.make(); }
  CAF_CHECK(absl::IsUnavailable(dropped.status()));
  answer_box<unit> twice;
  const auto answer = twice.make();
  answer(absl::NotFoundError("first"));
  answer(unit{});
  CAF_CHECK(absl::IsNotFound(twice.status()));
}

CAF_TEST(a request to a dead actor is answered all the same) {
  const auto actor = sys.spawn(recorder, recorder_options{});
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  consume_messages();
  answer_box<recorded_trace> box;
  caf::anon_send(actor, trace_of{}, box.make());
  consume_messages();
  CAF_CHECK(absl::IsUnavailable(box.status()));
}

CAF_TEST(a stream that is dropped ends with UNAVAILABLE) {
  const auto stream = make_stream();
  { const operation_sink sink(stream); }
  CAF_CHECK(absl::IsUnavailable(*stream->end));
}

CAF_TEST(every message is recorded with its trace and who sent it) {
  const auto actor = keep(sys.spawn(recorder, recorder_options{}));
  const auto trace = new_trace_id();
  {
    const trace_scope scope(trace);
    caf::anon_send(actor, action_began{.trace = {},
                                       .execution = 1,
                                       .operation = "operation-1",
                                       .action = {},
                                       .asker = {},
                                       .loaded = nullptr});
  }
  consume_messages();
  answer_box<recorded_trace> box;
  caf::anon_send(actor, trace_of{.trace = {}, .query = "operation-1"}, box.make());
  consume_messages();
  CAF_REQUIRE(box.status().ok());
  const auto& records = box.value().records;
  CAF_REQUIRE_EQUAL(records.size(), 1u);
  CAF_CHECK_EQUAL(interned_name(records[0].message), "action_began");
  CAF_CHECK_EQUAL(interned_name(records[0].to), "recorder");
  CAF_CHECK_EQUAL(interned_name(records[0].from), "outside");
  CAF_CHECK(records[0].outcome == message_outcome::handled);
}

CAF_TEST(a message that comes too late is recorded as dropped) {
  const auto actor = sys.spawn(recorder, recorder_options{});
  consume_messages();
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  consume_messages();
  const auto trace = new_trace_id();
  {
    const trace_scope scope(trace);
    caf::anon_send(actor, unwatch_actions{});
  }
  const auto records = trace_log::of_trace(trace);
  CAF_REQUIRE_EQUAL(records.size(), 1u);
  CAF_CHECK(records[0].outcome == message_outcome::dropped);
}

CAF_TEST(messages sent by a handler are children of the message that it handled) {
  const auto last = keep(sys.spawn(recorder, recorder_options{}));
  const auto relay = keep(sys.spawn(
      [last](traced_pointer<recorder_actor, relay_state> me) -> recorder_actor::behavior_type {
        return traced_behavior(
            me, "relay",
            recorder_actor::behavior_type{
                [](const action_began&) {}, [](const action_joined&) {}, [](const action_moved&) {},
                [](const action_ended&) {}, [](const trace_of&, const reply<recorded_trace>&) {},
                [](const find_action&, const reply<action_snapshot>&) {},
                [](const list_actions&, const reply<action_page>&) {},
                [](const watch_actions&, const action_sink&) {},
                [last](const unwatch_actions&) { caf::anon_send(last, unwatch_actions{}); },
                [](const get_live_actions&, const reply<live_actions>&) {},
                [](const ping&, const reply<unit>&) {}});
      }));
  const auto trace = new_trace_id();
  {
    const trace_scope scope(trace);
    caf::anon_send(relay, unwatch_actions{});
  }
  consume_messages();
  const auto records = trace_log::of_trace(trace);
  const auto find = [&](const std::string& to) {
    for (const auto& x : records)
      if (interned_name(x.to) == to)
        return x;
    return trace_record{};
  };
  CAF_CHECK_EQUAL(records.size(), 2u);
  CAF_CHECK_EQUAL(find("recorder").parent_span, find("relay").span);
  CAF_CHECK_EQUAL(interned_name(find("recorder").from), "relay");
}

CAF_TEST(many threads write and a reader never sees a torn record) {
  trace_log::set_budget(std::size_t{64} << 10);
  std::vector<std::thread> writers;
  for (std::uint64_t number = 1; number <= 4; ++number)
    writers.emplace_back([number] {
      for (int i = 0; i < 20'000; ++i)
        trace_log::write({.trace = number,
                          .span = number,
                          .parent_span = number,
                          .sent_ns = static_cast<std::int64_t>(number),
                          .queued_ns = number,
                          .handled_ns = number,
                          .from = 0,
                          .to = 0,
                          .message = 0,
                          .outcome = message_outcome::handled});
    });
  for (int i = 0; i < 50; ++i)
    for (const auto& x : trace_log::recent(100'000))
      CAF_REQUIRE(x.trace == x.span && x.span == x.parent_span && x.queued_ns == x.handled_ns
                  && x.trace == x.queued_ns);
  for (auto& each : writers)
    each.join();
  trace_log::set_budget(std::size_t{16} << 20);
}

CAF_TEST_FIXTURE_SCOPE_END()
