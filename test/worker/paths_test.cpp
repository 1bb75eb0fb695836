#define CAF_SUITE worker.paths
#include "actors/worker/command_paths.hpp"
#include "actors/worker/relative_path.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

bool refused(const reapi::Command& command, const std::string& word) {
  const auto paths = resolve_command_paths(command);
  return absl::IsInvalidArgument(paths.status())
         && std::string(paths.status().message()).find(word) != std::string::npos;
}

} // namespace

CAF_TEST(paths are resolved without leaving the root) {
  CAF_CHECK_EQUAL(std::string(*resolve_path("a/b", "../c/./d", "x")), "a/c/d");
  CAF_CHECK_EQUAL(std::string(*resolve_path("", "", "x")), "");
  CAF_CHECK_EQUAL(std::string(*resolve_path("a", "..", "x")), "");
  CAF_CHECK(!resolve_path("a", "../..", "x").ok());
  CAF_CHECK(!resolve_path("", "/etc", "x").ok());
  CAF_CHECK(!resolve_path("", std::string("a\0b", 3), "x").ok());
}

CAF_TEST(bad paths are refused naming the field and the value) {
  reapi::Command command;
  command.set_working_directory("../out");
  CAF_CHECK(refused(command, "Command.working_directory '../out'"));
  command.set_working_directory("");
  command.add_output_paths("/abs");
  CAF_CHECK(refused(command, "Command.output_paths '/abs'"));
  command.clear_output_paths();
  command.add_output_files("a/../../b");
  CAF_CHECK(refused(command, "Command.output_files"));
  command.clear_output_files();
  command.add_output_files("");
  CAF_CHECK(refused(command, "Command.output_files"));
  command.clear_output_files();
  command.add_output_node_properties("mtime");
  CAF_CHECK(resolve_command_paths(command)->properties.mtime);
  command.add_output_node_properties("owner");
  CAF_CHECK(refused(command, "Command.output_node_properties: 'owner'"));
}

CAF_TEST(output_paths make the older fields silent) {
  reapi::Command command;
  command.set_working_directory("w");
  command.add_output_paths("o/p");
  command.add_output_files("ignored");
  const auto paths = *resolve_command_paths(command);
  CAF_REQUIRE_EQUAL(paths.outputs.size(), 1u);
  CAF_CHECK_EQUAL(paths.outputs[0].wanted, "o/p");
  CAF_CHECK_EQUAL(paths.outputs[0].path, "w/o/p");
  CAF_CHECK_EQUAL(paths.to_create.back(), "w/o"); // the parent, never the entry itself
}

CAF_TEST(an older output directory may be the working directory itself) {
  reapi::Command command;
  command.set_working_directory("w");
  command.add_output_directories("");
  const auto paths = *resolve_command_paths(command);
  CAF_CHECK_EQUAL(paths.outputs[0].path, "w");
}
