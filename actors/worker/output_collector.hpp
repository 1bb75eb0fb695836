#pragma once
#include "actors/worker/command_paths.hpp"
#include "actors/worker/workspace.hpp"
#include "storage/posix.hpp"

#include <sys/stat.h>

namespace expbuild {

/// Turns what lies beneath the input root after a command into an ActionResult, storing every blob
/// that it names. By descriptors; no link is followed, links are told as links. Blocks.
class output_collector {
public:
  output_collector(backend& store, digest_function function, absolute_symlinks symlinks, int root)
      : store_(store), function_(function), symlinks_(symlinks), root_(root) {}

  absl::Status collect(const command_paths& paths, reapi::Command::OutputDirectoryFormat format,
                       collected_outputs& into);

  /// Stores a file and remembers that it did.
  absl::StatusOr<digest> store_file(int fd, collected_outputs& into);

private:
  absl::Status collect_one(const expected_output& output, collected_outputs& into);
  absl::Status add_file(const expected_output& output, const struct stat& facts,
                        collected_outputs& into);
  absl::Status add_directory(const expected_output& output, collected_outputs& into);
  absl::Status add_link(const expected_output& output, const struct stat& facts,
                        collected_outputs& into);
  absl::StatusOr<digest> store_message(const google::protobuf::MessageLite& message,
                                       collected_outputs& into);

  backend& store_;
  const digest_function function_;
  const absolute_symlinks symlinks_;
  const int root_;
  bool with_directories_ = false;
  node_property_set properties_;
};

} // namespace expbuild
