#pragma once
#include <grpcpp/support/slice.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace expbuild {

/// Memory that blobs are read into and sent from. All of it is counted until gRPC has sent it: the
/// more is under way, the smaller the next pieces are, so that ten thousand clients who read
/// nothing hold little. Any thread; a piece one at a time.
class piece_memory : public std::enable_shared_from_this<piece_memory> {
public:
  static constexpr std::size_t largest = 1 << 20;
  static constexpr std::size_t smallest = 16 << 10;

  /// About `bytes` at once: whoever comes later still gets the smallest piece.
  explicit piece_memory(std::size_t bytes) : bytes_(static_cast<std::int64_t>(bytes)) {}

  class piece {
  public:
    piece(std::shared_ptr<piece_memory> of, std::size_t size);
    ~piece();
    piece(const piece&) = delete;
    piece& operator=(const piece&) = delete;

    std::span<char> bytes() const { return {bytes_.get(), size_}; }

    /// The first `n` bytes of it, which own it from now on.
    static grpc::Slice send(std::unique_ptr<piece> what, std::size_t n);

  private:
    const std::shared_ptr<piece_memory> of_;
    const std::size_t size_;
    const std::unique_ptr<char[]> bytes_;
  };

  /// Never empty; at most `wanted` bytes (at least 1).
  std::unique_ptr<piece> make(std::size_t wanted);

  /// Bytes that came about elsewhere.
  grpc::Slice send(std::string bytes);

  std::int64_t used() const noexcept { return used_; }

private:
  const std::int64_t bytes_;
  std::atomic<std::int64_t> used_{0};
};

} // namespace expbuild
