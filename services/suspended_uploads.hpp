#pragma once
#include "storage/backend.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace expbuild {

struct suspension_options {
  std::chrono::milliseconds ttl{600'000};
  std::size_t max_uploads = 256;
  std::int64_t max_bytes = std::int64_t{4} << 30; ///< received so far, over all of them
};

/// Interrupted uploads by resource name, with what was received and hashed of them, until they are
/// taken up again or their time is over. Past a limit the oldest go early. Plain data. Writers that
/// go are returned rather than destroyed: that touches the disk.
class suspended_uploads {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using writer = std::shared_ptr<blob_writer>;

  explicit suspended_uploads(suspension_options options) : options_(options) {}

  /// In place of an older one of this name. Returns what has to go.
  std::vector<writer> add(const std::string& name, writer rest, time_point now);
  /// Null when there is none.
  writer take(const std::string& name);
  /// Bytes received; nullopt when there is none.
  std::optional<std::int64_t> size_of(const std::string& name) const;
  /// Returns what has to go by now.
  std::vector<writer> expire(time_point now);
  std::optional<time_point> next_expiry() const;

private:
  struct entry {
    std::uint64_t number = 0; ///< rises with the age
    time_point until;
    std::int64_t bytes = 0;
    writer rest;
  };
  bool is_over(const entry& x, time_point now) const noexcept;

  suspension_options options_;
  std::map<std::uint64_t, std::string> by_age_; // the TTL is one for all: the oldest expires first
  std::unordered_map<std::string, entry> by_name_;
  std::uint64_t last_ = 0;
  std::int64_t bytes_ = 0;
};

} // namespace expbuild
