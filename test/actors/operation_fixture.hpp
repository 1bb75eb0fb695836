#pragma once
#include "actors/dispatcher.hpp"
#include "actors/result_reaper.hpp"
#include "test/support/actors.hpp"

namespace expbuild::test {

/// Dispatcher, operation and reaper are real; scheduler and action cache are scripted.
struct operation_fixture : actor_fixture {
  struct world {
    std::map<std::uint64_t, operation_actor> waiting; ///< submitted jobs by execution
    std::vector<job_ptr> jobs;
    std::vector<withdraw> withdrawn;
    std::vector<raise_priority> raised;
    std::map<digest, cached_result> cache;
    std::vector<put_result> puts;
    std::vector<action_began> begun;
    std::vector<action_moved> moves;
    std::vector<action_ended> ends;
    absl::Status put_status;
  };
  std::shared_ptr<world> w = std::make_shared<world>();
  dispatcher_actor sut;
  std::uint64_t last_listener = 0;

  operation_fixture() {
    dispatcher_options options;
    auto& inner = options.operations;
    inner.scheduler = fake<scheduler_actor>(
        [w = w](const submit& x, const operation_actor& from) {
          w->waiting[x.work->execution] = from;
          w->jobs.push_back(x.work);
        },
        [w = w](const withdraw& x) { w->withdrawn.push_back(x); },
        [w = w](const raise_priority& x) { w->raised.push_back(x); });
    inner.cache = fake<action_cache_actor>(
        [w = w](const get_result& x, const reply<cached_result>& answer) {
          const auto found = w->cache.find(x.action);
          if (found == w->cache.end())
            return answer(absl::NotFoundError("miss"));
          answer(found->second);
        },
        [w = w](const put_result& x, const reply<unit>& answer) {
          w->puts.push_back(x);
          if (!w->put_status.ok())
            return answer(w->put_status);
          answer(unit{});
        });
    inner.recorder = fake<recorder_actor>([w = w](const action_began& x) { w->begun.push_back(x); },
                                          [w = w](const action_moved& x) { w->moves.push_back(x); },
                                          [w = w](const action_ended& x) { w->ends.push_back(x); });
    inner.reaper =
        keep(sys.spawn(result_reaper, retirement_options{.ttl = std::chrono::seconds(300)}));
    inner.meters = meters;
    options.store = store;
    options.io = io;
    sut = keep(sys.spawn(dispatcher, options));
    consume_messages();
  }

  std::size_t kept_traces() const {
    return static_cast<std::size_t>(
        std::count_if(w->ends.begin(), w->ends.end(), [](const auto& x) { return x.keep_trace; }));
  }

  ~operation_fixture() {
    for (auto& [execution, operation] : w->waiting)
      caf::anon_send_exit(operation, caf::exit_reason::kill);
  }

  struct client {
    std::shared_ptr<stream_box> stream = make_stream();
    std::uint64_t listener = 0;
    const std::string& name() const { return stream->updates.at(0).name; }
  };

  client run(const digest& action, bool skip_cache = false, std::int32_t priority = 0) {
    auto x = send(action, skip_cache, priority);
    consume_messages();
    return x;
  }

  /// As `run`, with the request still on its way.
  client send(const digest& action, bool skip_cache = false, std::int32_t priority = 0) {
    client x;
    x.listener = ++last_listener;
    execute request;
    request.action = action;
    request.skip_cache_lookup = skip_cache;
    request.priority = priority;
    request.listener = x.listener;
    caf::anon_send(sut, std::move(request), operation_sink(x.stream));
    return x;
  }

  client wait_for(const std::string& name) {
    client x;
    x.listener = ++last_listener;
    caf::anon_send(sut, watch{.trace = {}, .operation = name, .listener = x.listener},
                   operation_sink(x.stream));
    consume_messages();
    return x;
  }

  void leave(const client& x) {
    caf::anon_send(sut, detach{.trace = {}, .listener = x.listener});
    consume_messages();
  }

  /// The scheduler says that the job has ended.
  void end(const job_ptr& work, absl::Status status, cached_result result) {
    caf::anon_send(w->waiting.at(work->execution), job_done{.trace = {},
                                                            .execution = work->execution,
                                                            .attempt = 1,
                                                            .status = std::move(status),
                                                            .result = std::move(result)});
    consume_messages();
  }

  answer_box<unit> cancel_name(const std::string& name) {
    answer_box<unit> box;
    caf::anon_send(sut, cancel{.trace = {}, .operation = name}, box.make());
    consume_messages();
    return box;
  }

  answer_box<unit> delete_name(const std::string& name) {
    answer_box<unit> box;
    caf::anon_send(sut, delete_operation{.trace = {}, .operation = name}, box.make());
    consume_messages();
    return box;
  }

  answer_box<operation_state> state_of(const std::string& name) {
    answer_box<operation_state> box;
    caf::anon_send(sut, get_operation{.trace = {}, .operation = name}, box.make());
    consume_messages();
    return box;
  }

  operation_page list(operation_filter filter = {}, std::size_t limit = 100,
                      std::uint64_t after = 0) {
    answer_box<operation_page> box;
    caf::anon_send(sut,
                   list_operations{.trace = {}, .filter = filter, .after = after, .limit = limit},
                   box.make());
    consume_messages();
    return box.value();
  }

  digest some_action(const std::string& salt = {}) {
    stored_action action;
    action.salt = salt;
    return action.in(*store);
  }
};

} // namespace expbuild::test
