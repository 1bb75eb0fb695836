#pragma once
#include "actors/worker/docker/engine_client.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace expbuild {

struct engine_watch_options {
  /// While it answers, beside its stream of events, whose end tells at once: a stopped engine ends
  /// no stream.
  std::chrono::milliseconds ping_every{10'000};
  std::chrono::milliseconds ping_limit{5'000};
  /// While it does not: the pause doubles from the first to the longest.
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds longest_pause{2'000};
};

/// Knows whether a container engine answers. Tells every change, the first state included: OK, or
/// UNAVAILABLE with why not. `told` runs on the execution thread, never after this has gone.
class engine_watch {
public:
  virtual ~engine_watch() = default;
};

using on_engine_change = std::function<void(const absl::Status&)>;

/// `thread` and `client` outlive it. Its end blocks until the thread has let go: not to be on that
/// thread.
std::unique_ptr<engine_watch> make_engine_watch(execution_thread& thread, engine_client& client,
                                                engine_watch_options options,
                                                on_engine_change told);

} // namespace expbuild
