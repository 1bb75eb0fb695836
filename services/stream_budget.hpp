#pragma once
#include <absl/status/statusor.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

namespace expbuild {

/// How many calls that can last (streams, and those that wait for an operation) are under way at
/// once, over all connections: each costs memory for as long as its client likes. Any thread.
class stream_budget : public std::enable_shared_from_this<stream_budget> {
public:
  explicit stream_budget(std::size_t most) : most_(most) {}

  /// Held by a call while it lasts.
  class place {
  public:
    explicit place(std::shared_ptr<stream_budget> of) : of_(std::move(of)) {}
    place(place&&) noexcept = default;
    place& operator=(place&&) = delete;
    ~place() {
      if (of_)
        --of_->taken_;
    }

  private:
    std::shared_ptr<stream_budget> of_;
  };

  /// RESOURCE_EXHAUSTED when there is none left; to be tried again.
  absl::StatusOr<place> take() {
    if (++taken_ <= most_)
      return place(shared_from_this());
    --taken_;
    return absl::ResourceExhaustedError("the server already has " + std::to_string(most_)
                                        + " streams under way, its limit (server.max_streams); "
                                          "try again when some have ended");
  }

  std::size_t taken() const noexcept { return taken_; }

private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_{0};
};

} // namespace expbuild
