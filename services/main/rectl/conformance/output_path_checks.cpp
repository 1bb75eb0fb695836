#include "services/main/rectl/conformance/outputs.hpp"

/// How outputs are announced.

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;

void one_list_for_files_and_directories(subject& s) {
  const auto result = run(s, shell("echo a > file; mkdir dir; echo b > dir/f", {"dir", "file"}));
  file_of(result, "file");
  expect_equal("files in 'dir'", tree_of(s, result, "dir").root().files_size(), 1);
}

void older_lists_still_work(subject& s) {
  auto command = shell("echo a > file; echo b > dir/f");
  command.add_output_files("file");
  command.add_output_directories("dir");
  const auto result = run(s, command, [&] {
    reapi::Directory root;
    add_directory(s, root, "dir", {});
    return root;
  }());
  file_of(result, "file");
  directory_of(result, "dir");
}

void output_paths_override_the_older_lists(subject& s) {
  auto command = shell("echo a > wanted; echo b > other", {"wanted"});
  command.add_output_files("other");
  command.add_output_files("wanted");
  const auto result = run(s, command);
  expect_equal("output files", result.output_files_size(), 1);
  file_of(result, "wanted");
}

void parents_are_created(subject& s) {
  const auto result = run(s, shell("echo a > a/b/c", {"a/b/c"}));
  file_of(result, "a/b/c");
}

void parents_of_the_older_lists_are_created(subject& s) {
  auto command = shell("echo a > a/file; mkdir -p b/dir; echo b > b/dir/f");
  command.add_output_files("a/file");
  command.add_output_directories("b/dir");
  const auto result = run(s, command);
  file_of(result, "a/file");
  directory_of(result, "b/dir");
}

void output_path_itself_is_not_created(subject& s) {
  expect_equal("stdout", output_of(s, shell("test -e a/out || echo absent", {"a/out"})),
               "absent\n");
}

void paths_start_from_the_working_directory(subject& s) {
  reapi::Directory root;
  add_directory(s, root, "sub", {});
  auto command = shell("echo a > here", {"here"});
  command.set_working_directory("sub");
  file_of(run(s, command, root), "here");
}

void dot_dot_may_stay_inside(subject& s) {
  reapi::Directory root;
  add_directory(s, root, "sub", {});
  auto command = shell("echo a > ../beside", {"../beside"});
  command.set_working_directory("sub");
  file_of(run(s, command, root), "../beside");
}

void expect_refused_path(subject& s, const std::string& path) {
  expect_code("output path '" + path + "'",
              execute(s, store_action(s, shell("true", {path}))).trouble(), invalid);
}

void path_that_leaves_the_root_is_refused(subject& s) {
  expect_refused_path(s, "../outside");
  expect_refused_path(s, "a/../../outside");
}

void absolute_path_is_refused(subject& s) {
  expect_refused_path(s, "/tmp/outside");
}

void order_of_outputs_is_not_policed(subject& s) {
  const auto result = run(s, shell("echo a > a; echo b > b", {"b", "a"}));
  file_of(result, "a");
  file_of(result, "b");
}

void output_that_is_an_input_is_told(subject& s) {
  reapi::Directory root;
  add_file(s, root, "kept", "kept text");
  const auto result = run(s, shell("true", {"kept"}), root);
  expect_equal("blob", s.load(file_of(result, "kept").digest()), "kept text");
}

void output_through_a_link_of_the_action_is_not_followed_outside(subject& s) {
  const auto came =
      execute(s, store_action(s, shell("ln -s /etc a; true", {"a/passwd"}))).response();
  expect_equal("output files", came.result().output_files_size(), 0);
}

void unknown_node_property_is_refused(subject& s) {
  auto command = shell("true", {"o"});
  command.add_output_node_properties("conformance-no-such-property");
  expect_code("an unknown output_node_properties", execute(s, store_action(s, command)).trouble(),
              invalid);
}

void announced_node_properties_are_accepted(subject& s) {
  const auto& known = s.capabilities().execution_capabilities().supported_node_properties();
  if (known.empty())
    throw not_offered("supported_node_properties is empty");
  auto command = shell("echo a > o", {"o"});
  for (const auto& name : known)
    command.add_output_node_properties(name);
  const auto result = run(s, command);
  expect(file_of(result, "o").has_node_properties(), "node_properties on the output", "none");
}

} // namespace

check_list output_path_checks() {
  static constexpr char inside[] = "Output paths may use '..' but not leave the input root.";
  return {
      {"output_paths.one_list_for_files_and_directories",
       "output_paths names files and directories alike.", one_list_for_files_and_directories},
      {"output_paths.older_lists_still_work", "Bazel 4 sends output_files and output_directories.",
       older_lists_still_work},
      {"output_paths.output_paths_override_the_older_lists",
       "With output_paths, the older lists are ignored: Bazel 7 sends both.",
       output_paths_override_the_older_lists},
      {"output_paths.parents_are_created", "The parents of outputs are created.",
       parents_are_created},
      {"output_paths.parents_of_the_older_lists_are_created", "The parents of outputs are created.",
       parents_of_the_older_lists_are_created},
      {"output_paths.output_path_itself_is_not_created",
       "An entry of output_paths is never created by the server.",
       output_path_itself_is_not_created},
      {"output_paths.paths_start_from_the_working_directory",
       "Output paths are relative to working_directory.", paths_start_from_the_working_directory},
      {"output_paths.dot_dot_may_stay_inside", inside, dot_dot_may_stay_inside},
      {"output_paths.path_that_leaves_the_root_is_refused", inside,
       path_that_leaves_the_root_is_refused},
      {"output_paths.absolute_path_is_refused", inside, absolute_path_is_refused},
      {"output_paths.order_of_outputs_is_not_policed", "The order of outputs is not policed.",
       order_of_outputs_is_not_policed},
      {"output_paths.output_that_is_an_input_is_told",
       "What stands at an output path in the end is an output.", output_that_is_an_input_is_told},
      {"output_paths.link_of_the_action_is_not_followed_outside",
       "Nothing outside of the input root becomes an output.",
       output_through_a_link_of_the_action_is_not_followed_outside},
      {"output_paths.unknown_node_property_is_refused",
       "Unknown output_node_properties are INVALID_ARGUMENT.", unknown_node_property_is_refused},
      {"output_paths.announced_node_properties_are_accepted",
       "supported_node_properties are reported when asked for.",
       announced_node_properties_are_accepted},
  };
}

} // namespace expbuild::conformance
