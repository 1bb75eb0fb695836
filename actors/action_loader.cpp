#include "actors/action_loader.hpp"

#include "actors/platform.hpp"
#include "storage/input_tree.hpp"
#include "storage/missing.hpp"

#include <functional>
#include <string>

namespace expbuild {

namespace {

absl::Status invalid(const digest& blob, const std::string& what) {
  return absl::InvalidArgumentError(what + " (blob " + blob.to_string() + ")");
}

/// An Action whose Command is absent may lack inputs as well: the client is told all of it at once.
absl::Status command_is_missing(backend& store, const digest& command, const digest& input_root) {
  std::vector<digest> missing{command};
  const auto has = [&store](const digest& id) {
    return !absl::IsNotFound(store.open(id).status());
  };
  const auto tree =
      load_input_tree(store, input_root, absolute_symlinks::allowed, {}, has, missing);
  return tree.ok() ? missing_blobs_error("the Command is not in the CAS", missing)
                   : missing_blobs_error("the Command is not in the CAS", {command});
}

/// Whence Actions and Commands come: all of a blob, at most `limit` bytes.
using blob_source = std::function<absl::StatusOr<std::string>(const digest&, std::int64_t limit)>;

template <class Message>
absl::StatusOr<Message> read_message(const blob_source& read, const digest& id, const char* what,
                                     std::int64_t limit) {
  auto bytes = read(id, limit);
  if (absl::IsNotFound(bytes.status()))
    return missing_blobs_error(std::string("the ") + what + " is not in the CAS", {id});
  if (absl::IsResourceExhausted(bytes.status()))
    return invalid(id, std::string("the ") + what + " is larger than " + std::to_string(limit)
                           + " bytes");
  if (!bytes.ok())
    return bytes.status();
  Message message;
  if (!message.ParseFromString(*bytes))
    return invalid(id, std::string("this is not a valid ") + what + " message");
  return message;
}

absl::StatusOr<std::chrono::nanoseconds> timeout_of(const reapi::Action& action, const digest& id,
                                                    const action_loader_options& options) {
  if (!action.has_timeout())
    return options.default_timeout;
  // Compared in seconds first: a hostile value must not overflow nanoseconds.
  const auto max_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(options.max_timeout).count();
  const auto seconds = action.timeout().seconds();
  if (seconds < 0 || action.timeout().nanos() < 0 || action.timeout().nanos() > 999'999'999)
    return invalid(id, "Action.timeout of " + std::to_string(seconds) + " s and "
                           + std::to_string(action.timeout().nanos())
                           + " ns is negative or malformed: seconds from 0, nanos to 999999999");
  if (seconds > max_seconds)
    return invalid(id, "Action.timeout of " + std::to_string(seconds)
                           + " s is above this server's maximum of " + std::to_string(max_seconds)
                           + " s (execution.pool.max_task_timeout_seconds)");
  const auto timeout =
      std::chrono::seconds(seconds) + std::chrono::nanoseconds(action.timeout().nanos());
  return timeout.count() == 0 ? options.default_timeout : timeout;
}

absl::StatusOr<std::shared_ptr<const loaded_action>>
load_from(backend& store, const blob_source& read, const digest& id,
          const action_loader_options& options) {
  const auto action = read_message<reapi::Action>(read, id, "Action", options.max_message_bytes);
  if (!action.ok())
    return action.status();
  const auto command_id = digest::from_proto(action->command_digest(), id.function());
  if (!command_id.ok())
    return invalid(id, "Action.command_digest: " + std::string(command_id.status().message()));
  const auto input_root = digest::from_proto(action->input_root_digest(), id.function());
  if (!input_root.ok())
    return invalid(id, "Action.input_root_digest: " + std::string(input_root.status().message()));
  const auto timeout = timeout_of(*action, id, options);
  if (!timeout.ok())
    return timeout.status();
  auto command =
      read_message<reapi::Command>(read, *command_id, "Command", options.max_message_bytes);
  if (!missing_blobs_of(command.status()).empty())
    return command_is_missing(store, *command_id, *input_root);
  if (!command.ok())
    return command.status();
  if (command->arguments().empty())
    return invalid(*command_id, "Command.arguments is empty: there is nothing to run");
  auto loaded = std::make_shared<loaded_action>();
  loaded->id = id;
  loaded->command_id = *command_id;
  loaded->input_root = *input_root;
  loaded->platform = platform_of(*action, *command);
  loaded->command = *std::move(command);
  loaded->timeout = *timeout;
  loaded->do_not_cache = action->do_not_cache();
  return std::shared_ptr<const loaded_action>(std::move(loaded));
}

} // namespace

absl::StatusOr<std::shared_ptr<const loaded_action>>
load_action(backend& store, const digest& id, const action_loader_options& options) {
  return load_from(
      store,
      [&store](const digest& blob, std::int64_t limit) { return read_blob(store, blob, limit); },
      id, options);
}

std::optional<absl::StatusOr<std::shared_ptr<const loaded_action>>>
load_action_from_memory(backend& store, const digest& id, const action_loader_options& options) {
  bool all_there = true;
  auto loaded = load_from(
      store,
      [&](const digest& blob, std::int64_t) -> absl::StatusOr<std::string> {
        if (const auto bytes = store.in_memory(blob))
          return *bytes;
        all_there = false;
        return absl::UnavailableError("not in memory");
      },
      id, options);
  if (!all_there)
    return std::nullopt;
  return loaded;
}

} // namespace expbuild
