#pragma once
#include <absl/status/status.h>

#include <atomic>
#include <memory>
#include <utility>

namespace expbuild {

/// The far end of a stream_sink. Its functions may be called from any thread and must not block;
/// an implementation keeps only the latest unsent state.
template <class T>
class stream_receiver {
public:
  virtual ~stream_receiver() = default;
  virtual void update(T latest) = 0;
  /// The last call. OK: the last update was the final state.
  virtual void finish(absl::Status status) = 0;
  /// The final state and the end in one, which can cost half.
  virtual void conclude(T last) {
    update(std::move(last));
    finish(absl::OkStatus());
  }
};

/// `reply` for streams: any number of updates, then one end. The last copy that dies without an
/// end ends the stream with UNAVAILABLE.
template <class T>
class stream_sink {
public:
  stream_sink() = default;
  explicit stream_sink(std::shared_ptr<stream_receiver<T>> to)
      : state_(std::make_shared<state>(std::move(to))) {}

  void update(T latest) const {
    if (state_ && !state_->done.load(std::memory_order_acquire))
      state_->to->update(std::move(latest));
  }

  void finish(absl::Status status) const {
    if (state_)
      state_->finish(std::move(status));
  }

  void conclude(T last) const {
    if (state_ && !state_->done.exchange(true))
      state_->to->conclude(std::move(last));
  }

private:
  struct state {
    explicit state(std::shared_ptr<stream_receiver<T>> x) : to(std::move(x)) {}
    ~state() { finish(absl::UnavailableError("the server dropped the stream; ask again")); }
    void finish(absl::Status status) {
      if (!done.exchange(true))
        to->finish(std::move(status));
    }
    std::shared_ptr<stream_receiver<T>> to;
    std::atomic<bool> done{false};
  };
  std::shared_ptr<state> state_;
};

} // namespace expbuild
