#include "actors/worker/command_paths.hpp"

#include "actors/worker/relative_path.hpp"

namespace expbuild {

namespace {

using kind = expected_output::kind;

template <class Paths>
absl::Status add_outputs(const Paths& wanted, kind what, const char* field, command_paths& to) {
  for (const std::string& text : wanted) {
    if (text.empty() && what == kind::file)
      return absl::InvalidArgumentError(std::string(field) + " holds an empty path");
    const auto path = resolve_path(to.working_directory, text, field);
    if (!path.ok())
      return path.status();
    if (path->empty() && what == kind::file)
      return absl::InvalidArgumentError(std::string(field) + " '" + text
                                        + "' is the input root itself");
    // An older output directory may be made beforehand; an output_paths entry must not.
    to.to_create.push_back(what == kind::directory ? *path : parent_of(*path));
    to.outputs.push_back({what, text, *path});
  }
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<command_paths> resolve_command_paths(const reapi::Command& command) {
  command_paths paths;
  const auto directory = resolve_path("", command.working_directory(), "Command.working_directory");
  if (!directory.ok())
    return directory.status();
  const auto properties = read_node_properties(command);
  if (!properties.ok())
    return properties.status();
  paths.properties = *properties;
  paths.working_directory = *directory;
  paths.to_create.push_back(*directory);
  paths.modern = command.output_paths_size() > 0;
  absl::Status status;
  if (paths.modern) {
    status = add_outputs(command.output_paths(), kind::any, "Command.output_paths", paths);
  } else {
    status = add_outputs(command.output_files(), kind::file, "Command.output_files", paths);
    if (status.ok())
      status = add_outputs(command.output_directories(), kind::directory,
                           "Command.output_directories", paths);
  }
  if (!status.ok())
    return status;
  return paths;
}

} // namespace expbuild
