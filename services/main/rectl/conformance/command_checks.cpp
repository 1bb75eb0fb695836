#include "services/main/rectl/conformance/action_run.hpp"

#include <algorithm>
#include <sstream>

/// Arguments, environment, working directory.

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;

reapi::Command program(const std::vector<std::string>& arguments) {
  reapi::Command command;
  for (const auto& x : arguments)
    command.add_arguments(x);
  return command;
}

void set(reapi::Command& to, const std::string& name, const std::string& value) {
  auto& variable = *to.add_environment_variables();
  variable.set_name(name);
  variable.set_value(value);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

void environment_is_exactly_the_commands(subject& s) {
  auto command = program({"/usr/bin/env"});
  set(command, "A", "one = 1");
  set(command, "EMPTY", "");
  set(command, "PATH", "/usr/bin:/bin");
  const auto text = output_of(s, command);
  expect(lines_of(text) == std::vector<std::string>{"A=one = 1", "EMPTY=", "PATH=/usr/bin:/bin"},
         "A, EMPTY and PATH as in the Command and nothing else", show(text));
}

void path_has_a_default(subject& s) {
  const auto lines = lines_of(output_of(s, program({"/usr/bin/env"})));
  const bool there = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.rfind("PATH=/", 0) == 0;
  });
  expect(there, "a PATH of the worker's when the Command has none", "none");
}

void order_of_variables_is_not_policed(subject& s) {
  auto command = program({"/usr/bin/env"});
  set(command, "PATH", "/usr/bin:/bin");
  set(command, "B", "2");
  set(command, "A", "1");
  expect_equal("variables", lines_of(output_of(s, command)).size(), std::size_t{3});
}

void program_is_looked_up_in_the_commands_path(subject& s) {
  auto command = program({"env"});
  set(command, "PATH", "/nonexistent:/usr/bin:/bin");
  expect_equal("stdout", output_of(s, command), "PATH=/nonexistent:/usr/bin:/bin\n");
}

void relative_program_starts_from_the_working_directory(subject& s) {
  reapi::Directory sub;
  add_file(s, sub, "tool", "#!/bin/sh\necho tool in sub\n", true);
  reapi::Directory root;
  add_directory(s, root, "sub", sub);
  auto command = program({"./tool"});
  command.set_working_directory("sub");
  expect_equal("stdout", output_of(s, command, root), "tool in sub\n");
}

void working_directory_is_where_it_runs(subject& s) {
  reapi::Directory sub;
  add_file(s, sub, "here", "text");
  reapi::Directory root;
  add_directory(s, root, "sub", sub);
  auto command = shell("cat here; ls ..");
  command.set_working_directory("sub");
  expect_equal("stdout", output_of(s, command, root), "textsub\n");
}

void working_directory_outside_is_refused(subject& s) {
  for (const auto* path : {"../outside", "/tmp"}) {
    auto command = shell("true");
    command.set_working_directory(path);
    expect_code("working_directory '" + std::string(path) + "'",
                execute(s, store_action(s, command)).trouble(), invalid);
  }
}

void arguments_arrive_as_they_are(subject& s) {
  const auto text = output_of(
      s, program({"/bin/sh", "-c", R"(printf '[%s]' "$@")", "sh", "a b", "", "*", "$HOME", "'\""}));
  expect_equal("stdout", text, "[a b][][*][$HOME]['\"]");
}

void stdin_is_empty(subject& s) {
  expect_equal("stdout", output_of(s, shell("wc -c")), "0\n");
}

void command_without_arguments_is_refused(subject& s) {
  reapi::Command command;
  set(command, "SALT", s.fresh());
  expect_code("a Command without arguments", execute(s, store_action(s, command)).trouble(),
              invalid);
}

void program_that_is_not_there_is_no_success(subject& s) {
  const auto came = execute(s, store_action(s, program({"/no/such/program"})));
  const auto trouble = came.trouble();
  if (trouble.ok())
    expect(came.response().result().exit_code() != 0, "a failure", "exit_code 0");
  else
    expect_refused("a program that does not exist", trouble);
}

void action_that_is_no_message_is_refused(subject& s) {
  s.need_execution();
  const auto id = s.store("\xff\xff\xff" + s.fresh());
  expect_code("an Action that can not be parsed", execute(s, id).trouble(), invalid);
}

void command_that_is_no_message_is_refused(subject& s) {
  const auto id = s.store("\xff\xff\xff" + s.fresh());
  const auto action = store_action(
      s, shell("true"), {}, [&](reapi::Action& x) { *x.mutable_command_digest() = id.to_proto(); });
  expect_code("a Command that can not be parsed", execute(s, action).trouble(), invalid);
}

} // namespace

check_list command_checks() {
  return {
      {"commands.environment_is_exactly_the_commands",
       "The environment holds exactly the Command's variables.",
       environment_is_exactly_the_commands},
      {"commands.path_has_a_default",
       "Buck2 and Siso send no PATH: the worker's default is given then.", path_has_a_default},
      {"commands.order_of_variables_is_not_policed",
       "The order of environment variables is not policed.", order_of_variables_is_not_policed},
      {"commands.program_is_looked_up_in_the_commands_path",
       "argv[0] without a slash is looked up in the Command's PATH.",
       program_is_looked_up_in_the_commands_path},
      {"commands.relative_program_starts_from_the_working_directory",
       "Relative paths start from working_directory.",
       relative_program_starts_from_the_working_directory},
      {"commands.working_directory_is_where_it_runs",
       "The command runs in working_directory, beneath the input root.",
       working_directory_is_where_it_runs},
      {"commands.working_directory_outside_is_refused", "Paths may not leave the input root.",
       working_directory_outside_is_refused},
      {"commands.arguments_arrive_as_they_are", "No shell of the server's changes arguments.",
       arguments_arrive_as_they_are},
      {"commands.stdin_is_empty", "A command that reads stdin finds its end.", stdin_is_empty},
      {"commands.command_without_arguments_is_refused",
       "There is nothing to run without arguments.", command_without_arguments_is_refused},
      {"commands.program_that_is_not_there_is_no_success",
       "A program that does not exist is an error, or a failed command.",
       program_that_is_not_there_is_no_success},
      {"commands.action_that_is_no_message_is_refused",
       "What can not be parsed is INVALID_ARGUMENT.", action_that_is_no_message_is_refused},
      {"commands.command_that_is_no_message_is_refused",
       "What can not be parsed is INVALID_ARGUMENT.", command_that_is_no_message_is_refused},
  };
}

} // namespace expbuild::conformance
