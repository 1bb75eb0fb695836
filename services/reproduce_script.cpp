#include "services/action_views.hpp"

namespace expbuild {

namespace {

/// As a shell takes it for one word, whatever is in it.
std::string quoted(const std::string& x) {
  std::string text = "'";
  for (const char c : x)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// A line of a comment.
std::string remark(std::string x) {
  for (auto& c : x)
    if (static_cast<unsigned char>(c) < ' ')
      c = ' ';
  return "# " + x + "\n";
}

std::string parents_of_outputs(const admin::v1::ActionDetails& action) {
  std::string text;
  for (const auto& x : action.outputs())
    if (const auto slash = x.path().rfind('/'); slash != std::string::npos)
      text += "mkdir -p -- " + quoted(x.path().substr(0, slash)) + "\n";
  return text;
}

} // namespace

std::string reproduce_script(const admin::v1::ActionDetails& action, const std::string& server) {
  std::string text = "#!/bin/sh\n";
  text += remark("Runs the command of action " + action.action().action_digest()
                 + " here, on its inputs, as far as this machine is like a worker.");
  for (const auto& x : action.platform())
    text += remark("It asked for " + x.name() + "=" + x.value());
  text += "set -e\nfolder=$(mktemp -d)\necho \"in $folder\" >&2\n";
  text += "rectl --server " + quoted(server) + " download --tree "
          + quoted(action.input_root_digest()) + " -o \"$folder\"\n";
  text += "cd \"$folder\"\n";
  if (!action.working_directory().empty())
    text += "mkdir -p -- " + quoted(action.working_directory()) + "\ncd -- "
            + quoted(action.working_directory()) + "\n";
  text += parents_of_outputs(action);
  text += "exec env -i";
  for (const auto& x : action.environment())
    text += " \\\n  " + quoted(x.name() + "=" + x.value());
  for (const auto& x : action.arguments())
    text += " \\\n  " + quoted(x);
  return text + "\n";
}

} // namespace expbuild
