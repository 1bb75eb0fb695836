#include "storage/node_properties.hpp"

namespace expbuild {

absl::StatusOr<node_property_set> read_node_properties(const reapi::Command& command) {
  node_property_set wanted;
  for (const auto& name : command.output_node_properties())
    if (name == "mtime")
      wanted.mtime = true;
    else if (name == "unix_mode")
      wanted.unix_mode = true;
    else
      return absl::InvalidArgumentError("Command.output_node_properties: '" + name.substr(0, 100)
                                        + "' is not supported; mtime and unix_mode are");
  return wanted;
}

void set_node_properties(const node_property_set& wanted, const struct stat& facts,
                         reapi::NodeProperties& to) {
  if (wanted.unix_mode)
    to.mutable_unix_mode()->set_value(facts.st_mode & 07777);
  if (!wanted.mtime)
    return;
  to.mutable_mtime()->set_seconds(facts.st_mtim.tv_sec);
  to.mutable_mtime()->set_nanos(static_cast<std::int32_t>(facts.st_mtim.tv_nsec));
}

} // namespace expbuild
