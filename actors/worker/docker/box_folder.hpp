#pragma once
#include "actors/worker/executor.hpp"
#include "storage/posix.hpp"

#include <absl/status/statusor.h>

#include <array>
#include <filesystem>
#include <string>

namespace expbuild {

/// The folder behind a container that was started before anybody knew what for: its /build, and the
/// socket of its runner. Plain class; everything blocks (I/O pool).
class box_folder {
public:
  /// DIRECTORY/NAME, made anew, for this user.
  static absl::StatusOr<std::shared_ptr<box_folder>> make(const std::filesystem::path& directory,
                                                          const std::string& name, run_as identity);
  ~box_folder(); ///< removes it, whoever owns what lies in it

  std::filesystem::path root() const { return path_ / "root"; }
  std::filesystem::path socket() const { return path_ / "socket"; }
  unique_fd take_listener() { return std::move(listener_); }

  /// What lies in `from` lies in the root afterwards: names move, bytes do not.
  absl::Status move_in(const std::filesystem::path& from) const;
  /// And back, with whatever has come to it.
  absl::Status move_out(const std::filesystem::path& to) const;

private:
  box_folder() = default;

  std::filesystem::path path_;
  unique_fd parent_;
  unique_fd root_;
  unique_fd listener_;
};

/// New files for stdout and stderr of one command, open for appending.
absl::StatusOr<std::vector<unique_fd>> make_logs(const command_spec& command, run_as identity);

} // namespace expbuild
