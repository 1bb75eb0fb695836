#pragma once
#include "storage/digest.hpp"
#include "storage/input_tree.hpp"
#include "storage/node_properties.hpp"

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

namespace expbuild {

/// Receives one regular file, open for reading at its start, and returns its digest (storing it
/// or not). `path` is relative to the directory that is being read.
using file_sink = std::function<absl::StatusOr<digest>(int fd, const std::string& path)>;

/// A directory on disk as REAPI messages. Canonical and deterministic: the same content gives
/// the same bytes. `children` holds every directory below the root once, parents before children
/// (REAPI's topological order).
struct output_tree {
  reapi::Directory root;
  std::vector<reapi::Directory> children;
  reapi::Tree to_tree() const;
};

/// Reads the directory behind `dirfd` by descriptors, following no symlink: links are reported
/// as links. FAILED_PRECONDITION names an entry that REAPI can not express (socket, device, FIFO,
/// a name that is not UTF-8, an absolute link where that is disallowed). Blocks.
absl::StatusOr<output_tree> read_directory_tree(int dirfd, digest_function function,
                                                absolute_symlinks policy, const file_sink& sink,
                                                const node_property_set& properties = {});

} // namespace expbuild
