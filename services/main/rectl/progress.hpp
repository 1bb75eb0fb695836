#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace expbuild::rectl {

/// A line on stderr that says how far a transfer is: bytes, share, rate. Only on a terminal; gone
/// when the object is. One thread.
class progress {
public:
  /// `total` 0: unknown.
  progress(std::string doing, std::int64_t total);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void add(std::int64_t bytes);

private:
  using clock = std::chrono::steady_clock;
  void show(clock::time_point now);

  const std::string doing_;
  const std::int64_t total_;
  const bool visible_;
  const clock::time_point began_ = clock::now();
  clock::time_point shown_{};
  std::int64_t bytes_ = 0;
};

/// "1.5 MiB"
std::string size_text(std::int64_t bytes);

} // namespace expbuild::rectl
