#pragma once
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

namespace expbuild {

/// The way back to whoever asked: travels beside a message, is called once by the actor (or by
/// the I/O work that the actor started). The first call wins, later ones do nothing; when the last
/// copy dies uncalled, because an actor died or a message was dropped, the asker gets UNAVAILABLE.
/// So a call always ends. The callback runs on the answering thread and must not block.
template <class T>
class reply {
public:
  using callback = std::function<void(absl::StatusOr<T>)>;

  reply() = default;
  explicit reply(callback fn) : state_(std::make_shared<state>(std::move(fn))) {}

  void operator()(absl::StatusOr<T> answer) const {
    if (state_)
      state_->finish(std::move(answer));
  }

private:
  struct state {
    explicit state(callback f) : fn(std::move(f)) {}
    ~state() { finish(absl::UnavailableError("the server dropped the request while handling it")); }
    void finish(absl::StatusOr<T> answer) {
      if (!done.exchange(true))
        fn(std::move(answer));
    }
    callback fn;
    std::atomic<bool> done{false};
  };
  std::shared_ptr<state> state_;
};

/// For answers that carry nothing but success or failure.
struct unit {};

} // namespace expbuild
