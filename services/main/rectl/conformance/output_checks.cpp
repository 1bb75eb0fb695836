#include "services/main/rectl/conformance/outputs.hpp"

/// What a result tells about outputs: files, links, stdout and stderr, metadata.

namespace expbuild::conformance {

namespace {

void file_is_named_by_digest(subject& s) {
  const auto result = run(s, shell("printf text > o", {"o"}));
  const auto& file = file_of(result, "o");
  expect_equal("contents", file.contents(), "");
  expect_equal("blob", s.load(file.digest()), "text");
}

void executable_bit_is_told(subject& s) {
  const auto result =
      run(s, shell("echo a > plain; echo b > tool; chmod +x tool", {"plain", "tool"}));
  expect_equal("is_executable of 'plain'", file_of(result, "plain").is_executable(), false);
  expect_equal("is_executable of 'tool'", file_of(result, "tool").is_executable(), true);
}

void empty_file_is_told(subject& s) {
  const auto result = run(s, shell(": > o", {"o"}));
  expect_equal("size", file_of(result, "o").digest().size_bytes(), 0);
}

void absent_output_is_left_out(subject& s) {
  const auto response =
      execute(s, store_action(s, shell("echo a > there", {"not-there", "there"}))).response();
  expect_ok("an action that did not make all its outputs", response.status());
  expect_equal("exit_code", response.result().exit_code(), 0);
  expect_equal("output files", response.result().output_files_size(), 1);
  file_of(response.result(), "there");
}

void outputs_of_a_failed_command_are_told(subject& s) {
  const auto response = execute(s, store_action(s, shell("echo a > o; exit 1", {"o"}))).response();
  expect_ok("a failed command", response.status());
  file_of(response.result(), "o");
}

void large_file_is_whole(subject& s) {
  const auto result = run(s, shell("head -c 6000000 /dev/zero > o; sha256sum < o", {"o"}));
  const auto& id = file_of(result, "o").digest();
  expect_equal("hash", id.hash(), stdout_of(s, result).substr(0, 64));
  expect_equal("size", s.load(id).size(), std::size_t{6'000'000});
}

void outputs_are_readable_when_the_answer_comes(subject& s) {
  std::string script;
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    names.push_back("o" + std::to_string(10 + i));
    script += std::string(print_uuid) + " > " + names.back() + "; ";
  }
  const auto result = run(s, shell(script, names));
  for (const auto& name : names)
    expect_equal("size of " + name, s.load(file_of(result, name).digest()).size(), std::size_t{37});
}

// ---- inlining -----------------------------------------------------------------------------------

void nothing_is_inlined_unasked(subject& s) {
  const auto result = run(s, shell("echo out; echo err >&2; echo file > o", {"o"}));
  expect_equal("contents", file_of(result, "o").contents(), "");
  expect(result.stdout_raw().empty() && result.stderr_raw().empty(),
         "stdout and stderr by digest only", "inlined");
}

void stdout_and_stderr_are_inlined_when_asked(subject& s) {
  const auto action = store_action(s, shell("echo out; echo err >&2"));
  const auto result = run(s, action, [](reapi::ExecuteRequest& x) {
                        x.set_inline_stdout(true);
                        x.set_inline_stderr(true);
                      }).result();
  expect_equal("stdout_raw", result.stdout_raw(), "out\n");
  expect_equal("stderr_raw", result.stderr_raw(), "err\n");
  expect_equal("blob of stdout_digest", s.load(result.stdout_digest()), "out\n");
}

void output_files_are_inlined_by_name(subject& s) {
  const auto action = store_action(s, shell("echo a > a; echo b > b", {"a", "b"}));
  const auto result =
      run(s, action, [](reapi::ExecuteRequest& x) { x.add_inline_output_files("b"); }).result();
  expect_equal("contents of 'a'", file_of(result, "a").contents(), "");
  expect_equal("contents of 'b'", file_of(result, "b").contents(), "b\n");
  expect_equal("blob of 'b'", s.load(file_of(result, "b").digest()), "b\n");
}

void inlining_keeps_the_message_below_4_mib(subject& s) {
  const auto action = store_action(s, shell("head -c 6000000 /dev/zero"));
  const auto came = execute(s, action, [](reapi::ExecuteRequest& x) { x.set_inline_stdout(true); });
  came.response();
  for (const auto& each : came.operations)
    expect(each.ByteSizeLong() < 4 << 20, "messages below 4 MiB", show(each.ByteSizeLong()));
}

// ---- symlinks -----------------------------------------------------------------------------------

void link_to_a_file_stands_in_both_lists(subject& s) {
  const auto result = run(s, shell("echo a > file; ln -s file l", {"l"}));
  expect_only("output_symlinks", result.output_symlinks(), "l", "file");
  expect_only("output_file_symlinks", result.output_file_symlinks(), "l", "file");
  expect_only("output_directory_symlinks", result.output_directory_symlinks(), "", "");
  expect_equal("output files", result.output_files_size(), 0);
}

void link_to_a_directory_stands_in_both_lists(subject& s) {
  const auto result = run(s, shell("mkdir d; ln -s d l", {"l"}));
  expect_only("output_symlinks", result.output_symlinks(), "l", "d");
  expect_only("output_directory_symlinks", result.output_directory_symlinks(), "l", "d");
  expect_only("output_file_symlinks", result.output_file_symlinks(), "", "");
  expect_equal("output directories", result.output_directories_size(), 0);
}

void dangling_link_is_a_link(subject& s) {
  const auto result = run(s, shell("ln -s no/where l", {"l"}));
  expect_only("output_symlinks", result.output_symlinks(), "l", "no/where");
}

void older_fields_fill_the_older_lists_only(subject& s) {
  auto command = shell("echo a > file; ln -s file l; mkdir d; rmdir ld; ln -s d ld; true");
  command.add_output_files("l");
  command.add_output_directories("ld");
  const auto result = run(s, command);
  expect_only("output_file_symlinks", result.output_file_symlinks(), "l", "file");
  expect_only("output_directory_symlinks", result.output_directory_symlinks(), "ld", "d");
  expect_equal("entries of output_symlinks", result.output_symlinks_size(), 0);
}

void absolute_link_is_a_failed_precondition(subject& s) {
  s.need_disallowed_absolute_symlinks();
  const auto came = execute(s, store_action(s, shell("ln -s /etc/passwd l", {"l"})));
  expect_code("an output that is an absolute symlink", came.response().status(),
              grpc::StatusCode::FAILED_PRECONDITION);
}

// ---- execution_metadata -------------------------------------------------------------------------

std::int64_t nanoseconds(const google::protobuf::Timestamp& x) {
  return x.seconds() * 1'000'000'000 + x.nanos();
}

void metadata_has_all_timestamps_in_order(subject& s) {
  const auto result = run(s, shell("echo a > o", {"o"}));
  const auto& x = result.execution_metadata();
  const std::pair<const char*, std::int64_t> times[] = {
      {"queued", nanoseconds(x.queued_timestamp())},
      {"worker_start", nanoseconds(x.worker_start_timestamp())},
      {"input_fetch_start", nanoseconds(x.input_fetch_start_timestamp())},
      {"input_fetch_completed", nanoseconds(x.input_fetch_completed_timestamp())},
      {"execution_start", nanoseconds(x.execution_start_timestamp())},
      {"execution_completed", nanoseconds(x.execution_completed_timestamp())},
      {"output_upload_start", nanoseconds(x.output_upload_start_timestamp())},
      {"output_upload_completed", nanoseconds(x.output_upload_completed_timestamp())},
      {"worker_completed", nanoseconds(x.worker_completed_timestamp())}};
  std::int64_t last = 1;
  for (const auto& [name, at] : times) {
    expect(at > 0, std::string(name) + "_timestamp", "none");
    expect(at >= last, std::string(name) + "_timestamp not before the one before it",
           "an earlier one");
    last = at;
  }
}

void metadata_names_the_worker(subject& s) {
  const auto result = run(s, shell("true"));
  expect(!result.execution_metadata().worker().empty(), "execution_metadata.worker", "none");
}

void failed_command_has_metadata_too(subject& s) {
  const auto response = execute(s, store_action(s, shell("exit 1"))).response();
  expect(!response.result().execution_metadata().worker().empty(), "execution_metadata.worker",
         "none");
}

} // namespace

check_list output_checks() {
  static constexpr char metadata[] =
      "execution_metadata is set always: the worker's name and all timestamps, in order.";
  static constexpr char inlining[] =
      "Outputs are named by digest always, and inlined too when asked and small.";
  static constexpr char links[] =
      "With output_paths, links stand in output_symlinks and in the older lists.";
  return {
      {"outputs.file_is_named_by_digest", "Outputs are named by digest always.",
       file_is_named_by_digest},
      {"outputs.executable_bit_is_told", "is_executable is told.", executable_bit_is_told},
      {"outputs.empty_file_is_told", "An empty file is an output like any other.",
       empty_file_is_told},
      {"outputs.absent_output_is_left_out", "Absent outputs are left out, not an error.",
       absent_output_is_left_out},
      {"outputs.outputs_of_a_failed_command_are_told", "A failed command has a result, too.",
       outputs_of_a_failed_command_are_told},
      {"outputs.large_file_is_whole", "Outputs of any size come whole.", large_file_is_whole},
      {"outputs.outputs_are_readable_when_the_answer_comes",
       "What a result names can be read at once.", outputs_are_readable_when_the_answer_comes},
      {"outputs.nothing_is_inlined_unasked", "Nothing is inlined that was not asked for.",
       nothing_is_inlined_unasked},
      {"outputs.stdout_and_stderr_are_inlined_when_asked", inlining,
       stdout_and_stderr_are_inlined_when_asked},
      {"outputs.output_files_are_inlined_by_name", inlining, output_files_are_inlined_by_name},
      {"outputs.inlining_keeps_the_message_below_4_mib",
       "Inlined bytes are capped: older Bazel refuses messages of 4 MiB.",
       inlining_keeps_the_message_below_4_mib},
      {"outputs.link_to_a_file_stands_in_both_lists", links, link_to_a_file_stands_in_both_lists},
      {"outputs.link_to_a_directory_stands_in_both_lists", links,
       link_to_a_directory_stands_in_both_lists},
      {"outputs.dangling_link_is_a_link", "A link is a link, wherever it leads.",
       dangling_link_is_a_link},
      {"outputs.older_fields_fill_the_older_lists_only",
       "With the older fields, links stand in the older lists only.",
       older_fields_fill_the_older_lists_only},
      {"outputs.absolute_link_is_a_failed_precondition",
       "With DISALLOWED, an absolute symlink in the outputs is FAILED_PRECONDITION.",
       absolute_link_is_a_failed_precondition},
      {"outputs.metadata_has_all_timestamps_in_order", metadata,
       metadata_has_all_timestamps_in_order},
      {"outputs.metadata_names_the_worker", metadata, metadata_names_the_worker},
      {"outputs.failed_command_has_metadata_too", metadata, failed_command_has_metadata_too},
  };
}

} // namespace expbuild::conformance
