#include "test/bench/bench_run.hpp"

#include "services/main/rectl/execute.hpp"

namespace expbuild::bench {

namespace {

constexpr std::size_t count = 20'000;
constexpr std::size_t in_flight = 8;

void get_result(client& on, const digest& action) {
  reapi::GetActionResultRequest request;
  *request.mutable_action_digest() = action.to_proto();
  reapi::ActionResult result;
  must(from_grpc(on.action_cache->GetActionResult(on.new_call().get(), request, &result),
                 "asking for a result"));
}

void execute_once(client& on, const reapi::ExecuteRequest& request) {
  const auto context = on.new_long_call();
  const auto stream = on.execution->Execute(context.get(), request);
  google::longrunning::Operation operation;
  while (stream->Read(&operation))
    ;
  must(from_grpc(stream->Finish(), "executing"));
}

/// One kind of call on both servers.
void compare(table& rows, const std::string& what, const std::string& limit,
             const server_process& server, client& ours, const child_process& limits,
             client& theirs, const std::function<void(client&)>& call) {
  const auto measured = [&](const std::string& name, client& on, const child_process& process) {
    return measure(
        name, count, in_flight, [&](std::size_t) { call(on); },
        [&] { return process.cpu_seconds(); });
  };
  const auto per_second = rows.add(measured(limit, theirs, limits), 0, "a limit").per_second;
  rows.add(measured(what, ours, server.process()), per_second, "it");
}

void measure_lookups(table& rows, const server_process& server, client& on) {
  constexpr std::size_t digests = 1000;
  reapi::FindMissingBlobsRequest request;
  for (std::size_t i = 0; i < digests; ++i)
    *request.add_blob_digests() = digest::of(std::to_string(i)).to_proto();
  const auto row = rows.add(measure(
      "FindMissingBlobs of 1000 digests, all missing, 4 in flight", 2000, 4,
      [&](std::size_t) {
        reapi::FindMissingBlobsResponse response;
        must(from_grpc(on.cas->FindMissingBlobs(on.new_call().get(), request, &response),
                       "looking up"));
      },
      [&] { return server.process().cpu_seconds(); }));
  rows.remark("FindMissingBlobs costs the server " + std::to_string(row.cpu_us / digests)
              + " us of CPU a digest.");
}

} // namespace

void measure_calls(table& rows, const server_process& server, const child_process& limits,
                   const std::string& limits_address) {
  auto ours = connect(server.address());
  auto theirs = connect(limits_address);
  const auto action = new_true_action(ours, false);
  execute(ours, action);
  compare(rows, "GetActionResult, a hit, 8 in flight", "no-op unary call, 8 in flight", server,
          ours, limits, theirs, [&](client& on) { get_result(on, action); });
  reapi::ExecuteRequest request;
  *request.mutable_action_digest() = action.to_proto();
  compare(rows, "Execute answered from the cache, 8 in flight",
          "no-op stream of one message, 8 in flight", server, ours, limits, theirs,
          [&](client& on) { execute_once(on, request); });
  measure_lookups(rows, server, ours);
}

} // namespace expbuild::bench
