#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "storage/backend.hpp"
#include "storage/io_pool.hpp"
#include "test/support/jobs.hpp"
#include "test/support/stream_box.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/test/dsl.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace expbuild::test {

/// A store that must be waited for, as a disk must, unless it is told to have everything in memory.
class disk_like_backend : public backend {
public:
  blob_index& index() override { return below_->index(); }
  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override {
    return below_->open(id);
  }
  blob_bytes in_memory(const digest& id) override {
    return remembers ? below_->in_memory(id) : nullptr;
  }
  absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) override {
    return below_->begin_write(id);
  }
  absl::Status remove(const digest& id) override { return below_->remove(id); }
  absl::Status evict(std::span<const blob_index::victim> victims) override {
    return below_->evict(victims);
  }
  store_usage usage() override { return below_->usage(); }

  bool remembers = false;

private:
  const std::shared_ptr<backend> below_ =
      make_memory_backend({.clock = [] { return store_seconds{0}; }});
};

/// Actors on CAF's deterministic coordinator: messages run when told, time moves by hand, the disk
/// is in memory and I/O work runs at once.
struct actor_fixture : test_coordinator_fixture<> {
  std::shared_ptr<disk_like_backend> store = std::make_shared<disk_like_backend>();
  std::shared_ptr<io_pool> io = make_inline_io_pool();
  std::shared_ptr<metrics> meters = std::make_shared<metrics>();

  /// Kills what was given to `keep`: a fixture that ends with a re-arming timer would never end.
  ~actor_fixture() {
    for (const auto& each : kept)
      caf::anon_send_exit(each, caf::exit_reason::kill);
    consume_messages();
  }

  template <class Handle>
  Handle keep(Handle x) {
    kept.push_back(caf::actor_cast<caf::strong_actor_ptr>(x));
    return x;
  }

  /// An actor that looks like a `Handle`, has these handlers and drops everything else.
  template <class Handle, class... Handlers>
  Handle fake(Handlers... handlers) {
    auto actor = sys.spawn([=](caf::event_based_actor* me) -> caf::behavior {
      me->set_default_handler(caf::drop);
      return {handlers...};
    });
    keep(actor);
    consume_messages();
    return caf::actor_cast<Handle>(caf::actor_cast<caf::strong_actor_ptr>(actor));
  }

  std::vector<caf::strong_actor_ptr> kept;
};

/// Whether `line` is one of those that the meters show.
inline bool shows(const metrics& meters, const std::string& line) {
  return ("\n" + meters.expose()).find("\n" + line + "\n") != std::string::npos;
}

/// Remembers what a reply brought.
template <class T>
struct answer_box {
  std::shared_ptr<std::optional<absl::StatusOr<T>>> slot =
      std::make_shared<std::optional<absl::StatusOr<T>>>();

  reply<T> make() const {
    return reply<T>([slot = slot](absl::StatusOr<T> x) { *slot = std::move(x); });
  }
  bool answered() const { return slot->has_value(); }
  absl::Status status() const { return (*slot)->status(); }
  const T& value() const { return **(*slot); }
};

/// Stores an action that runs `arguments`; returns its digest.
struct stored_action {
  std::vector<std::string> arguments{"/bin/true"};
  platform_properties platform;
  bool do_not_cache = false;
  std::string salt;
  std::int64_t timeout_seconds = 0;

  digest in(backend& store) const {
    reapi::Command command;
    for (const auto& x : arguments)
      command.add_arguments(x);
    reapi::Action action;
    *action.mutable_command_digest() =
        write_blob(store, command.SerializeAsString(), digest_function::sha256)->to_proto();
    *action.mutable_input_root_digest() = digest().to_proto();
    for (const auto& [name, value] : platform) {
      auto& property = *action.mutable_platform()->add_properties();
      property.set_name(name);
      property.set_value(value);
    }
    action.set_do_not_cache(do_not_cache);
    action.set_salt(salt);
    if (timeout_seconds != 0)
      action.mutable_timeout()->set_seconds(timeout_seconds);
    return *write_blob(store, action.SerializeAsString(), digest_function::sha256);
  }
};

inline cached_result result_with_exit_code(int exit_code) {
  auto result = std::make_shared<reapi::ActionResult>();
  result->set_exit_code(exit_code);
  return result;
}

} // namespace expbuild::test
