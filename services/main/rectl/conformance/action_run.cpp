#include "services/main/rectl/conformance/action_run.hpp"

namespace expbuild::conformance {

namespace {

std::string text_of(subject& s, const std::string& inlined, const reapi::Digest& id) {
  return inlined.empty() && !id.hash().empty() ? s.load(id) : inlined;
}

} // namespace

reapi::Command shell(const std::string& script) {
  reapi::Command command;
  for (const auto* argument : {"/bin/sh", "-c"})
    command.add_arguments(argument);
  command.add_arguments(script);
  auto& path = *command.add_environment_variables();
  path.set_name("PATH");
  path.set_value("/usr/local/bin:/usr/bin:/bin");
  return command;
}

reapi::Command shell(const std::string& script, const std::vector<std::string>& output_paths) {
  auto command = shell(script);
  for (const auto& path : output_paths)
    command.add_output_paths(path);
  return command;
}

digest store_action(subject& s, const reapi::Command& command, const reapi::Directory& root,
                    const std::function<void(reapi::Action&)>& change) {
  s.need_execution();
  reapi::Action action;
  *action.mutable_command_digest() = s.store(command).to_proto();
  *action.mutable_input_root_digest() =
      (root.ByteSizeLong() == 0 ? digest() : s.store(root)).to_proto();
  action.set_salt(s.fresh());
  if (change)
    change(action);
  return s.store(action);
}

reapi::ExecuteResponse outcome::response() const {
  expect_ok("the stream of an execution", status);
  expect(done(), "a done Operation at the end of the stream",
         operations.empty() ? "no Operation at all" : "one that is not done");
  reapi::ExecuteResponse response;
  expect(operations.back().response().UnpackTo(&response), "an ExecuteResponse in the Operation",
         show(operations.back().ShortDebugString()));
  return response;
}

grpc::Status outcome::trouble() const {
  return status.ok() ? as_call(response().status()) : status;
}

execution::execution(subject& s, const digest& action, const request_change& change)
    : call_(s.server().new_call()) {
  reapi::ExecuteRequest request;
  request.set_instance_name(s.instance());
  *request.mutable_action_digest() = action.to_proto();
  if (change)
    change(request);
  stream_ = s.server().execution->Execute(call_.get(), request);
}

execution::execution(subject& s, const std::string& operation) : call_(s.server().new_call()) {
  reapi::WaitExecutionRequest request;
  request.set_name(operation);
  stream_ = s.server().execution->WaitExecution(call_.get(), request);
}

execution::~execution() {
  if (!finished_)
    abandon();
}

Operation execution::next() {
  Operation message;
  if (!stream_->Read(&message)) {
    finished_ = true;
    throw broken("expected another Operation; came the stream's end: " + show(stream_->Finish()));
  }
  so_far_.operations.push_back(message);
  return message;
}

Operation execution::until_executing() {
  for (;;) {
    auto message = next();
    expect(!message.done(), "an Operation that is EXECUTING", show(message.ShortDebugString()));
    if (metadata_of(message).stage() == reapi::ExecutionStage::EXECUTING)
      return message;
  }
}

outcome execution::finish() {
  Operation message;
  while (stream_->Read(&message))
    so_far_.operations.push_back(message);
  finished_ = true;
  so_far_.status = stream_->Finish();
  return so_far_;
}

void execution::abandon() {
  call_->TryCancel();
  finish();
}

outcome execute(subject& s, const digest& action, const request_change& change) {
  return execution(s, action, change).finish();
}

reapi::ExecuteResponse run(subject& s, const digest& action, const request_change& change) {
  auto response = execute(s, action, change).response();
  expect_ok("running the command", response.status());
  expect(response.result().exit_code() == 0, "exit_code = 0",
         show(response.result().exit_code()) + " with stderr "
             + show(stderr_of(s, response.result())));
  return response;
}

reapi::ActionResult run(subject& s, const reapi::Command& command, const reapi::Directory& root) {
  return run(s, store_action(s, command, root)).result();
}

std::string stdout_of(subject& s, const reapi::ActionResult& result) {
  return text_of(s, result.stdout_raw(), result.stdout_digest());
}

std::string stderr_of(subject& s, const reapi::ActionResult& result) {
  return text_of(s, result.stderr_raw(), result.stderr_digest());
}

std::string output_of(subject& s, const reapi::Command& command, const reapi::Directory& root) {
  return stdout_of(s, run(s, command, root));
}

reapi::ExecuteOperationMetadata metadata_of(const Operation& x) {
  reapi::ExecuteOperationMetadata metadata;
  expect(x.metadata().UnpackTo(&metadata), "ExecuteOperationMetadata in every Operation",
         x.has_metadata() ? x.metadata().type_url() : "no metadata");
  return metadata;
}

void add_file(subject& s, reapi::Directory& to, const std::string& name, const std::string& bytes,
              bool executable) {
  auto& file = *to.add_files();
  file.set_name(name);
  file.set_is_executable(executable);
  *file.mutable_digest() = (bytes.empty() ? digest() : s.store(bytes)).to_proto();
}

void add_directory(subject& s, reapi::Directory& to, const std::string& name,
                   const reapi::Directory& child) {
  auto& node = *to.add_directories();
  node.set_name(name);
  *node.mutable_digest() = (child.ByteSizeLong() == 0 ? digest() : s.store(child)).to_proto();
}

void add_symlink(reapi::Directory& to, const std::string& name, const std::string& target) {
  auto& link = *to.add_symlinks();
  link.set_name(name);
  link.set_target(target);
}

} // namespace expbuild::conformance
