#include "test/bench/bench_run.hpp"

#include "services/main/rectl/execute.hpp"
#include "services/main/rectl/upload.hpp"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace expbuild::bench {

const sample& table::add(sample x, double limit, const std::string& name) {
  x.ratio = limit > 0 ? x.per_second / limit : 0;
  x.limit = name;
  rows_.push_back(std::move(x));
  std::fprintf(stderr, "%s: %.0f a second\n", rows_.back().what.c_str(), rows_.back().per_second);
  return rows_.back();
}

void table::print() const {
  print_table(rows_);
  for (const auto& text : remarks_)
    std::printf("\n%s\n", text.c_str());
}

void must(const absl::Status& status) {
  if (status.ok())
    return;
  std::fprintf(stderr, "re-bench: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

client connect(const std::string& address) {
  client made({.server = address, .instance = {}, .timeout = std::chrono::seconds(60)});
  must(made.connect(std::chrono::seconds(20)));
  return made;
}

double own_cpu() {
  return cpu_seconds(::getpid());
}

digest new_true_action(client& on, bool do_not_cache) {
  static std::uint64_t salt = 0;
  reapi::Command command;
  command.add_arguments("/bin/true");
  reapi::Action action;
  action.set_salt(std::to_string(++salt));
  action.set_do_not_cache(do_not_cache);
  upload_set blobs;
  *action.mutable_input_root_digest() = digest().to_proto();
  *action.mutable_command_digest() = blobs.add(command.SerializeAsString()).to_proto();
  const auto id = blobs.add(action.SerializeAsString());
  must(blobs.send(on));
  return id;
}

void execute(client& on, const digest& action) {
  const auto response = execute_remote(on, action, {});
  must(response.status());
  must(absl::Status(static_cast<absl::StatusCode>(response->status().code()),
                    response->status().message()));
}

} // namespace expbuild::bench
