#include "services/main/rectl/download.hpp"
#include "services/main/rectl/execute.hpp"
#include "services/main/rectl/upload.hpp"
#include "test/bench/measure.hpp"
#include "test/bench/server_process.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

/// re-bench: what the server costs, as a share of what this machine can do in the same run.

namespace {

using namespace expbuild;
using namespace expbuild::bench;

/// A measurement of what failed is worth nothing.
void must(const absl::Status& status) {
  if (status.ok())
    return;
  std::fprintf(stderr, "re-bench: %s\n", std::string(status.message()).c_str());
  std::exit(1);
}

/// CPU of this process and its children: for limits, which need no server.
double own_cpu() {
  return cpu_seconds(::getpid());
}

class bench_run {
public:
  explicit bench_run(const std::filesystem::path& server_program)
      : server_(server_program),
        client_(
            {.server = server_.address(), .instance = {}, .timeout = std::chrono::seconds(60)}) {
    must(client_.connect(std::chrono::seconds(20)));
  }

  std::vector<sample> all() {
    actions();
    cached();
    lookups();
    streams();
    return std::move(rows_);
  }

private:
  sample& add(sample x, double limit = 0, const std::string& name = {}) {
    x.ratio = limit > 0 ? x.per_second / limit : 0;
    x.limit = name;
    rows_.push_back(std::move(x));
    return rows_.back();
  }

  auto server_cpu() {
    return [this] { return server_.cpu_seconds(); };
  }

  /// An action that nobody has run yet.
  digest new_action() {
    reapi::Command command;
    command.add_arguments("/bin/true");
    reapi::Action action;
    action.set_salt(std::to_string(++salt_));
    upload_set blobs;
    *action.mutable_input_root_digest() = digest().to_proto();
    *action.mutable_command_digest() = blobs.add(command.SerializeAsString()).to_proto();
    const auto id = blobs.add(action.SerializeAsString());
    must(blobs.send(client_));
    return id;
  }

  void execute(const digest& action, bool skip_cache) {
    execute_options options;
    options.skip_cache_lookup = skip_cache;
    const auto response = execute_remote(client_, action, options);
    must(response.status());
    must(absl::Status(static_cast<absl::StatusCode>(response->status().code()),
                      response->status().message()));
  }

  void actions() {
    constexpr std::size_t count = 1000;
    const auto bare = add(measure(
                              "bare posix_spawn of /bin/true, one at a time", count, 1,
                              [](std::size_t) { spawn_true(); }, own_cpu),
                          0, "itself")
                          .per_second;
    const auto both = add(measure(
                              "bare posix_spawn of /bin/true, two at a time", count, 2,
                              [](std::size_t) { spawn_true(); }, own_cpu),
                          0, "itself")
                          .per_second;
    for (const std::size_t threads : {1, 2, 8}) {
      std::vector<digest> ids;
      for (std::size_t i = 0; i < count; ++i)
        ids.push_back(new_action());
      add(measure(
              "/bin/true as an action, " + std::to_string(threads) + " at a time", count, threads,
              [&](std::size_t i) { execute(ids[i], true); }, server_cpu()),
          threads == 1 ? bare : both, "a bare spawn");
    }
  }

  void cached() {
    const auto id = new_action();
    execute(id, false);
    add(measure(
        "Execute answered from the cache, 8 at a time", 4000, 8,
        [&](std::size_t) { execute(id, false); }, server_cpu()));
  }

  void lookups() {
    reapi::FindMissingBlobsRequest request;
    for (int i = 0; i < 1000; ++i)
      *request.add_blob_digests() = digest::of(std::to_string(i)).to_proto();
    add(measure(
        "FindMissingBlobs of 1000 digests, 4 at a time", 1000, 4,
        [&](std::size_t) {
          reapi::FindMissingBlobsResponse response;
          must(
              from_grpc(client_.cas->FindMissingBlobs(client_.new_call().get(), request, &response),
                        "looking up"));
        },
        server_cpu()));
  }

  /// 64 MiB blobs; an operation is a MiB.
  void streams() {
    constexpr std::size_t size = std::size_t{64} << 20;
    std::vector<std::string> contents;
    for (char c = 'a'; c < 'e'; ++c)
      contents.emplace_back(size, c);
    const auto per_mib = [&](sample x) {
      x.per_second *= 64;
      x.cpu_us /= 64;
      return x;
    };
    const auto file = (server_.folder() / "limit").string();
    const auto limit =
        add(per_mib(measure(
                "MiB written to a file and hashed, one at a time", contents.size(), 1,
                [&](std::size_t i) { write_and_hash(file, contents[i]); }, own_cpu)),
            0, "itself")
            .per_second;
    std::vector<digest> ids;
    for (const auto& x : contents)
      ids.push_back(digest::of(x));
    add(per_mib(measure(
            "MiB written by ByteStream, one at a time", contents.size(), 1,
            [&](std::size_t i) {
              upload_set blobs;
              blobs.add(contents[i]);
              must(blobs.send(client_));
            },
            server_cpu())),
        limit, "a hashed file write");
    add(per_mib(measure(
            "MiB read by ByteStream, one at a time", contents.size(), 1,
            [&](std::size_t i) {
              must(read_remote(client_, ids[i], [](std::string_view) { return absl::OkStatus(); }));
            },
            server_cpu())),
        limit, "a hashed file write");
  }

  static void write_and_hash(const std::string& path, const std::string& bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (std::size_t offset = 0; offset < bytes.size(); offset += 1 << 20)
      if (::write(fd, bytes.data() + offset, 1 << 20) < 0)
        std::exit(1);
    digest::of(bytes);
    ::close(fd);
  }

  server_process server_;
  client client_;
  std::uint64_t salt_ = 0;
  std::vector<sample> rows_;
};

} // namespace

int main(int, char** argv) {
  std::error_code error;
  const auto here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::filesystem::path server = argv[1] != nullptr ? argv[1] : here / "re-server";
  print_table(bench_run(server).all());
  return 0;
}
