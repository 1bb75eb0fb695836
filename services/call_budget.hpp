#pragma once
#include <absl/status/status.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace grpc {
class ServerContextBase;
}

namespace expbuild {

/// How many calls gRPC may hold for its clients at once, over all connections, each from the moment
/// a service sees it until gRPC is done with it. Calls that can last (streams, and those that wait
/// for an operation) have a limit of their own and are refused beyond it. The others end by
/// themselves: very many of them at once are a client that begins calls and gives them up without
/// end ("rapid reset"), which gRPC 1.51 does not notice; the connection that has the most of them
/// is closed. Any thread.
class call_budget : public std::enable_shared_from_this<call_budget> {
  using peer_counts = std::map<std::string, std::size_t>; // those that have calls

public:
  call_budget(std::size_t max_streams, std::size_t max_others)
      : max_streams_(max_streams), max_others_(max_others) {}

  /// Held by a call until OnDone.
  class place {
  public:
    /// `peer`: null for a stream, which is not counted by peer.
    place(std::shared_ptr<call_budget> of, peer_counts::value_type* peer, absl::Status admission)
        : of_(std::move(of)), peer_(peer), admission_(std::move(admission)) {}
    place(place&& other) noexcept
        : of_(std::move(other.of_)), peer_(other.peer_), admission_(other.admission_) {}
    place& operator=(place&&) = delete;
    ~place() { leave(); }

    /// Other than OK: end the call with this.
    const absl::Status& admission() const noexcept { return admission_; }

    void leave() {
      if (const auto of = std::exchange(of_, nullptr)) // it holds the count
        of->left(peer_);
    }

  private:
    std::shared_ptr<call_budget> of_;
    peer_counts::value_type* peer_;
    absl::Status admission_;
  };

  /// RESOURCE_EXHAUSTED when there are too many; to be tried again.
  place enter_stream(const grpc::ServerContextBase& call);

  place enter(const grpc::ServerContextBase& call);
  /// The same for a call of this peer, named as gRPC names it.
  place enter(const std::string& peer);

  /// Who closes the connection of a peer. Null: nobody.
  using flood_handler = std::function<void(const std::string& peer)>;
  void when_flooded(flood_handler handler);

  std::size_t streams() const noexcept { return streams_; }
  std::size_t others() const noexcept { return others_; }

private:
  place count_other(const std::string& peer, absl::Status admission);
  void left(const peer_counts::value_type* peer);
  std::string busiest_peer();

  const std::size_t max_streams_;
  const std::size_t max_others_;
  std::atomic<std::size_t> streams_{0};
  std::atomic<std::size_t> others_{0};
  std::mutex peers_guard_;
  peer_counts peers_; ///< of the others
  std::mutex guard_;
  flood_handler flooded_;
};

} // namespace expbuild
