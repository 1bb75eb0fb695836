#pragma once
#include "storage/backend.hpp"

#include <algorithm>
#include <cstdint>

namespace expbuild {

struct space_limits {
  std::int64_t max_bytes = std::int64_t{1} << 40;
  std::int64_t min_free_bytes = 0; ///< what the filesystem must keep free
  std::int64_t min_free_files = 0;
};

/// What something takes of a disk.
struct room {
  std::int64_t bytes = 0;
  std::int64_t files = 0;
};

/// How much room the store has: what is allowed in, and how much must go. It lives on what was last
/// measured and what has come since. Plain data.
class space_budget {
public:
  explicit space_budget(const space_limits& limits) : limits_(limits) {}

  void measured(const store_usage& usage) {
    usage_ = usage;
    since_ = 0;
    files_since_ = 0;
  }

  /// True when so much has come since the last time that it is time to measure again.
  bool is_outdated() const {
    return since_ > std::min(limits_.max_bytes / 256, measure_after)
           || files_since_ > std::max<std::int64_t>(limits_.min_free_files / 4, least_files);
  }

  void stored(const room& x) {
    since_ += x.bytes;
    files_since_ += x.files;
  }

  void reserve(const room& x) {
    reserved_.bytes += x.bytes;
    reserved_.files += x.files;
  }
  void release(const room& x) {
    reserved_.bytes -= x.bytes;
    reserved_.files -= x.files;
  }

  /// There is room for so much more.
  bool fits(const room& x) const {
    return used() + reserved_.bytes + x.bytes <= limits_.max_bytes
           && free_bytes() - reserved_.bytes - x.bytes >= limits_.min_free_bytes / 4
           && free_files() - reserved_.files - x.files >= limits_.min_free_files / 4;
  }

  /// It could never fit.
  bool is_hopeless(std::int64_t bytes) const { return bytes > limits_.max_bytes / 4 * 3; }

  /// Bytes that should go: from 95 % of what is allowed on, down to 90 %.
  std::int64_t excess() const {
    const auto high = limits_.max_bytes - limits_.max_bytes / 20;
    const auto low = limits_.max_bytes - limits_.max_bytes / 10;
    const auto filled = used() + reserved_.bytes;
    auto much = filled > high ? filled - low : 0;
    if (free_bytes() < limits_.min_free_bytes)
      much = std::max(much, limits_.min_free_bytes + limits_.min_free_bytes / 4 - free_bytes());
    if (free_files() < limits_.min_free_files)
      much = std::max(much, bytes_a_file * (limits_.min_free_files - free_files()));
    return std::min(much, used());
  }

  /// Bytes that must go before there is room for so much more.
  std::int64_t lacking(const room& x) const {
    auto much = used() + reserved_.bytes + x.bytes - limits_.max_bytes;
    much = std::max(much, limits_.min_free_bytes / 4 + reserved_.bytes + x.bytes - free_bytes());
    const auto files = limits_.min_free_files / 4 + reserved_.files + x.files - free_files();
    return std::max({much, bytes_a_file * std::max<std::int64_t>(files, 0), std::int64_t{0}});
  }

  /// It could not fit beside what is being written and `promised` bytes that stay.
  bool is_in_vain(std::int64_t bytes, std::int64_t promised) const {
    return bytes > limits_.max_bytes - promised - reserved_.bytes;
  }

  std::int64_t used() const { return usage_.bytes + since_; }
  std::int64_t limit() const { return limits_.max_bytes; }

private:
  static constexpr std::int64_t measure_after = std::int64_t{64} << 20;
  static constexpr std::int64_t least_files = 4;
  static constexpr std::int64_t bytes_a_file = 4096;

  std::int64_t free_bytes() const { return usage_.free_bytes - since_; }
  std::int64_t free_files() const { return usage_.free_files - files_since_; }

  const space_limits limits_;
  store_usage usage_;
  std::int64_t since_ = 0;
  std::int64_t files_since_ = 0;
  room reserved_;
};

} // namespace expbuild
