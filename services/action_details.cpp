#include "services/action_details.hpp"

#include "actors/action_loader.hpp"
#include "services/action_messages.hpp"
#include "services/explanation.hpp"
#include "services/pool_work.hpp"
#include "services/times.hpp"
#include "storage/result_store.hpp"

#include "expbuild/execution/v1/resource_usage.pb.h"

#include <caf/send.hpp>

#include <set>

namespace expbuild {

namespace {

using admin::v1::ActionDetails;
using answer_function = std::function<void(absl::StatusOr<ActionDetails>)>;

std::string text_of(const reapi::Digest& x, digest_function function) {
  const auto id = digest::from_proto(x, function);
  return id.ok() ? id->to_string() : std::string();
}

void add_output(ActionDetails& to, const std::string& path, const char* kind,
                const std::string& id) {
  auto& x = *to.add_outputs();
  x.set_path(path);
  x.set_kind(kind);
  x.set_digest(id);
}

/// What there is, then what the Command announced and is not there.
void describe_outputs(const reapi::ActionResult* result, digest_function function,
                      const reapi::Command* command, ActionDetails& to) {
  if (result != nullptr) {
    for (const auto& x : result->output_files()) {
      add_output(to, x.path(), "file", text_of(x.digest(), function));
      to.mutable_outputs()->rbegin()->set_executable(x.is_executable());
    }
    for (const auto& x : result->output_directories())
      add_output(to, x.path(), "directory", text_of(x.tree_digest(), function));
    for (const auto* links : {&result->output_symlinks(), &result->output_file_symlinks(),
                              &result->output_directory_symlinks()})
      for (const auto& x : *links) {
        add_output(to, x.path(), "symlink", "");
        to.mutable_outputs()->rbegin()->set_target(x.target());
      }
  }
  std::set<std::string> there;
  for (const auto& x : to.outputs())
    there.insert(x.path());
  const auto announce = [&](const auto& paths, const char* kind) {
    for (const auto& path : paths)
      if (there.insert(path).second) {
        add_output(to, path, kind, "");
        to.mutable_outputs()->rbegin()->set_missing(result != nullptr);
      }
  };
  if (command == nullptr)
    return;
  announce(command->output_paths(), "file");
  announce(command->output_files(), "file");
  announce(command->output_directories(), "directory");
}

void describe_usage(const reapi::ExecutedActionMetadata& from, ActionDetails& to) {
  execution::v1::ResourceUsage usage;
  for (const auto& any : from.auxiliary_metadata())
    if (any.UnpackTo(&usage)) {
      to.set_peak_memory_bytes(usage.max_rss_bytes());
      *to.mutable_user_time() = usage.user_time();
      *to.mutable_system_time() = usage.system_time();
    }
}

void describe_command(const loaded_action& from, ActionDetails& to) {
  const auto& command = from.command;
  *to.mutable_arguments() = command.arguments();
  for (const auto& variable : command.environment_variables()) {
    auto& x = *to.add_environment();
    x.set_name(variable.name());
    x.set_value(variable.value());
  }
  describe(from.platform, *to.mutable_platform());
  to.set_working_directory(command.working_directory());
  set_duration(*to.mutable_timeout(), static_cast<std::uint64_t>(from.timeout.count()));
  to.set_do_not_cache(from.do_not_cache);
  to.set_command_digest(from.command_id.to_string());
  to.set_input_root_digest(from.input_root.to_string());
}

void describe_result(const reapi::ActionResult& from, digest_function function, ActionDetails& to) {
  to.set_stdout_digest(from.stdout_digest().size_bytes() > 0
                           ? text_of(from.stdout_digest(), function)
                           : std::string());
  to.set_stderr_digest(from.stderr_digest().size_bytes() > 0
                           ? text_of(from.stderr_digest(), function)
                           : std::string());
  describe_usage(from.execution_metadata(), to);
}

void describe_record(const action_record& from, ActionDetails& to) {
  *to.mutable_action() = describe(from);
  for (const auto& name : from.operations)
    to.add_operation_names(name);
  for (const auto& lost : from.lost) {
    auto& x = *to.add_lost_attempts();
    set_timestamp(*x.mutable_at(), lost.at);
    x.set_worker(lost.worker);
    x.set_why(lost.why);
  }
}

/// In the I/O pool.
void complete(const service_context& context, const action_record& record, cached_result result,
              ActionDetails& to) {
  describe_record(record, to);
  const auto function = record.action.function();
  auto loaded = record.loaded;
  if (!loaded) {
    auto read = load_action(*context.store, record.action,
                            {.max_timeout = std::chrono::hours(24 * 365 * 100)});
    if (read.ok())
      loaded = *std::move(read);
    else
      to.add_notes("the Action or its Command can not be read any more: "
                   + std::string(read.status().message()));
  }
  if (loaded)
    describe_command(*loaded, to);
  if (result)
    describe_result(*result, function, to);
  else if (!record.is_live() && record.status.ok())
    to.add_notes("the result is no longer kept");
  describe_outputs(result.get(), function, loaded ? &loaded->command : nullptr, to);
}

void compose(const context_ptr& context, const action_snapshot& record, cached_result result,
             const answer_function& done) {
  auto work = [context, record, result = std::move(result), done] {
    auto details = std::make_shared<ActionDetails>();
    complete(*context, *record, result, *details);
    explain(context, record, [details, done](const explained& why) {
      if (why.ok()) {
        *details->mutable_explanation() = *why;
        if (details->action().stage() == "queued")
          details->mutable_action()->set_waiting_for(
              why->why_waiting_size() > 0 ? why->why_waiting(0) : std::string());
      }
      done(std::move(*details));
    });
  };
  if (!post_work(*context, io_pool::lane::short_work, std::move(work)))
    done(pool_is_full());
}

} // namespace

void detail_action(const context_ptr& context, const std::string& query, answer_function done) {
  auto found = [context, done](const absl::StatusOr<action_snapshot>& record) {
    if (!record.ok())
      return done(record.status());
    if ((*record)->result || (*record)->is_live() || !(*record)->status.ok())
      return compose(context, *record, (*record)->result, done);
    caf::anon_send(
        context->action_cache, // it may be there still
        get_result{.trace = {}, .action = (*record)->action, .inlined = {}},
        reply<cached_result>([context, record = *record, done](absl::StatusOr<cached_result> x) {
          compose(context, record, x.ok() ? *std::move(x) : nullptr, done);
        }));
  };
  caf::anon_send(context->recorder, find_action{.trace = {}, .query = query},
                 reply<action_snapshot>(std::move(found)));
}

} // namespace expbuild
