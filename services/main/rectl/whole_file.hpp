#pragma once
#include "storage/posix.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <sys/types.h>

namespace expbuild {

/// A file that appears under its name when it is complete, in place of one that is there, or not at
/// all: until then it has no name where the filesystem can do that (so that even a killed process
/// leaves nothing), else a hidden one beside the final one.
class whole_file {
public:
  /// `name` is one path segment in the folder behind `dirfd`, which must stay open.
  static absl::StatusOr<whole_file> create(int dirfd, std::string name, mode_t mode);
  whole_file(whole_file&&) noexcept = default;
  ~whole_file();

  absl::Status append(std::string_view bytes);
  absl::Status publish();

private:
  whole_file(int dirfd, std::string name) : dirfd_(dirfd), name_(std::move(name)) {}
  std::string hidden_name() const;

  int dirfd_;
  std::string name_;
  unique_fd file_;
  bool has_name_ = false; ///< the hidden one
};

} // namespace expbuild
