#pragma once
#include "storage/reapi.hpp"

#include <absl/status/statusor.h>

#include <sys/stat.h>

namespace expbuild {

/// Which properties of outputs a Command wants reported (output_node_properties).
struct node_property_set {
  bool mtime = false;
  bool unix_mode = false;
  bool any() const noexcept { return mtime || unix_mode; }
};

/// INVALID_ARGUMENT names a property that is none of those that we report: mtime and unix_mode.
absl::StatusOr<node_property_set> read_node_properties(const reapi::Command& command);

/// What is wanted of a file's, folder's or link's facts.
void set_node_properties(const node_property_set& wanted, const struct stat& facts,
                         reapi::NodeProperties& to);

/// As above, where `node` has room for it; leaves it alone when nothing is wanted.
template <class Node>
void describe_node(const node_property_set& wanted, const struct stat& facts, Node& node) {
  if (wanted.any())
    set_node_properties(wanted, facts, *node.mutable_node_properties());
}

} // namespace expbuild
