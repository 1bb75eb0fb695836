#pragma once
#include <absl/status/statusor.h>

#include <filesystem>
#include <string>

namespace expbuild {

/// Holds ROOT/LOCK for the life of the object: one store, one daemon. Checks ROOT/FORMAT before
/// anything else is written, and writes it into an empty store.
class store_lock {
public:
  /// Creates ROOT (0700) when absent. FAILED_PRECONDITION, with the holder's pid, when another
  /// process holds it; UNIMPLEMENTED, with both versions, when the format is another; with path and
  /// errno, as `errno_status`, when the folder can not be used.
  static absl::StatusOr<store_lock> acquire(const std::filesystem::path& root);

  /// Only holds FOLDER/LOCK, of a folder that is there and is no store. `key` is what the
  /// configuration calls it, for the message; fails as `acquire`.
  static absl::StatusOr<store_lock> hold(const std::filesystem::path& folder,
                                         const std::string& key);

  store_lock(store_lock&& other) noexcept;
  store_lock& operator=(store_lock&& other) noexcept;
  ~store_lock();

private:
  explicit store_lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

} // namespace expbuild
