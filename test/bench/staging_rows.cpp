#include "services/main/rectl/execute.hpp"
#include "services/main/rectl/upload.hpp"
#include "test/bench/bench_run.hpp"

namespace expbuild::bench {

namespace {

constexpr int folders = 1000;
constexpr int files_each = 20;

/// An input root of 20,000 small files.
digest large_input_root(client& on) {
  upload_set blobs;
  reapi::Directory root;
  for (int d = 0; d < folders; ++d) {
    reapi::Directory folder;
    for (int f = 0; f < files_each; ++f) {
      auto& file = *folder.add_files();
      file.set_name("file" + std::to_string(100 + f));
      *file.mutable_digest() = blobs.add("file " + std::to_string(d * files_each + f)).to_proto();
    }
    auto& node = *root.add_directories();
    node.set_name("folder" + std::to_string(10'000 + d));
    *node.mutable_digest() = blobs.add(folder.SerializeAsString()).to_proto();
  }
  const auto id = blobs.add(root.SerializeAsString());
  must(blobs.send(on));
  return id;
}

std::chrono::nanoseconds time_of(const google::protobuf::Timestamp& x) {
  return std::chrono::seconds(x.seconds()) + std::chrono::nanoseconds(x.nanos());
}

/// Milliseconds that an action on this input root spent on staging.
double staging_ms(client& on, const digest& root, int number) {
  reapi::Command command;
  command.add_arguments("/bin/true");
  reapi::Action action;
  action.set_salt(std::to_string(number));
  action.set_do_not_cache(true);
  upload_set blobs;
  *action.mutable_input_root_digest() = root.to_proto();
  *action.mutable_command_digest() = blobs.add(command.SerializeAsString()).to_proto();
  const auto id = blobs.add(action.SerializeAsString());
  must(blobs.send(on));
  const auto response = execute_remote(on, id, {});
  must(response.status());
  const auto& times = response->result().execution_metadata();
  return std::chrono::duration<double, std::milli>(time_of(times.input_fetch_completed_timestamp())
                                                   - time_of(times.input_fetch_start_timestamp()))
      .count();
}

} // namespace

void measure_staging(table& rows, const std::filesystem::path& re_server) {
  const server_process server(re_server, host_workers());
  auto on = connect(server.address());
  const auto root = large_input_root(on);
  const auto first = staging_ms(on, root, 1);
  double later = 0;
  for (int i = 0; i < 10; ++i)
    later = std::max(later, staging_ms(on, root, 2 + i));
  char text[200];
  std::snprintf(text, sizeof text,
                "Staging an input root of 20,000 files takes the first action %.0f ms and each "
                "later one at most %.2f ms.",
                first, later);
  rows.remark(text);
}

} // namespace expbuild::bench
