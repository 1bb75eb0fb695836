#pragma once
#include "storage/node_properties.hpp"
#include "storage/reapi.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace expbuild {

/// One output as the Command names it.
struct expected_output {
  enum class kind { any, file, directory }; ///< `any`: output_paths, decided by what is there
  kind what = kind::any;
  std::string wanted; ///< the client's own text, as it goes into the result
  std::string path;   ///< resolved, beneath the input root
};

/// The paths of a Command, checked and resolved beneath the input root.
struct command_paths {
  std::string working_directory;
  std::vector<expected_output> outputs; ///< output_paths, or both older lists if it is empty
  bool modern = false;                  ///< output_paths was used
  std::vector<std::string> to_create;   ///< folders that must exist before the command runs
  node_property_set properties;         ///< to be reported of outputs
};

/// INVALID_ARGUMENT names the field and the value: absolute, escaping, empty, or with a NUL; also
/// unknown output_node_properties.
absl::StatusOr<command_paths> resolve_command_paths(const reapi::Command& command);

} // namespace expbuild
