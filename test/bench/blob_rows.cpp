#include "test/bench/bench_run.hpp"

#include <chrono>
#include <fcntl.h>
#include <unistd.h>

namespace expbuild::bench {

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t batches = 2000;
constexpr std::size_t in_flight = 4;

/// 1 KiB that nobody else has.
std::string blob(std::size_t series, std::size_t number) {
  auto text = std::to_string(series) + "." + std::to_string(number) + ".";
  text.resize(1024, 'x');
  return text;
}

/// What was measured by the batch, told by the blob.
sample by_the_blob(sample x) {
  x.per_second *= batch;
  x.cpu_us /= batch;
  return x;
}

void write_batch(client& on, std::size_t series, std::size_t number) {
  reapi::BatchUpdateBlobsRequest request;
  for (std::size_t i = 0; i < batch; ++i) {
    auto& one = *request.add_requests();
    one.set_data(blob(series, number * batch + i));
    *one.mutable_digest() = digest::of(one.data()).to_proto();
  }
  reapi::BatchUpdateBlobsResponse response;
  must(from_grpc(on.cas->BatchUpdateBlobs(on.new_call().get(), request, &response), "uploading"));
  for (const auto& x : response.responses())
    if (x.status().code() != 0)
      must(absl::InternalError(x.status().message()));
}

void read_batch(client& on, std::size_t series, std::size_t number) {
  reapi::BatchReadBlobsRequest request;
  for (std::size_t i = 0; i < batch; ++i)
    *request.add_digests() = digest::of(blob(series, number * batch + i)).to_proto();
  reapi::BatchReadBlobsResponse response;
  must(from_grpc(on.cas->BatchReadBlobs(on.new_call().get(), request, &response), "reading"));
  for (const auto& x : response.responses())
    if (x.status().code() != 0)
      must(absl::InternalError(x.status().message()));
}

/// How the peers do it: temporary file, sync, rename, and we add the sync of the name.
void sync_one_file(const std::filesystem::path& folder, std::size_t number) {
  const auto bytes = blob(0, number);
  const auto temporary = folder / ("tmp-" + std::to_string(number));
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const int names = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = ::write(file, bytes.data(), bytes.size()) == ssize_t(bytes.size())
                    && ::fsync(file) == 0 && ::close(file) == 0
                    && ::rename(temporary.c_str(), (folder / std::to_string(number)).c_str()) == 0
                    && ::fsync(names) == 0;
  ::close(names);
  must(done ? absl::OkStatus() : absl::InternalError("a synced file could not be written"));
}

double measure_synced_files(table& rows, const std::filesystem::path& folder) {
  std::filesystem::create_directory(folder);
  return rows
      .add(measure(
               "1 KiB blobs, a synced file each, 16 at a time", 8000, 16,
               [&folder](std::size_t i) { sync_one_file(folder, i); }, own_cpu),
           0, "a limit")
      .per_second;
}

void measure_level(table& rows, const std::filesystem::path& re_server, const std::string& level,
                   std::size_t series, double synced_files) {
  const server_process server(re_server, host_workers(), "durability = \"" + level + "\"");
  auto on = connect(server.address());
  const auto cpu = [&server] { return server.process().cpu_seconds(); };
  rows.add(by_the_blob(measure(
               "1 KiB blobs by BatchUpdate of 64, " + level + ", 4 in flight", batches, in_flight,
               [&](std::size_t i) { write_batch(on, series, i); }, cpu)),
           synced_files, "synced files");
  if (level != "grouped")
    return;
  rows.add(by_the_blob(measure(
      "1 KiB blobs by BatchRead of 64, 4 in flight", batches, in_flight,
      [&](std::size_t i) { read_batch(on, series, i); }, cpu)));
}

void measure_tree(table& rows, const std::filesystem::path& re_server) {
  constexpr std::size_t folders = 1000;
  const server_process server(re_server, host_workers());
  auto on = connect(server.address());
  reapi::Directory root;
  reapi::BatchUpdateBlobsRequest upload;
  const auto add = [&upload](const reapi::Directory& x) {
    auto& one = *upload.add_requests();
    one.set_data(x.SerializeAsString());
    *one.mutable_digest() = digest::of(one.data()).to_proto();
    return one.digest();
  };
  for (std::size_t i = 1000; i < 1000 + folders - 1; ++i) {
    reapi::Directory child;
    auto& file = *child.add_files();
    file.set_name("file" + std::to_string(i));
    *file.mutable_digest() = digest::of("").to_proto();
    auto& entry = *root.add_directories();
    entry.set_name(std::to_string(i));
    *entry.mutable_digest() = add(child);
  }
  reapi::GetTreeRequest request;
  *request.mutable_root_digest() = add(root);
  reapi::BatchUpdateBlobsResponse stored;
  must(from_grpc(on.cas->BatchUpdateBlobs(on.new_call().get(), upload, &stored), "uploading"));
  auto row = measure(
      "Directories by GetTree of 1000, 4 in flight", 1000, in_flight,
      [&](std::size_t) {
        const auto context = on.new_long_call();
        const auto stream = on.cas->GetTree(context.get(), request);
        reapi::GetTreeResponse page;
        int count = 0;
        while (stream->Read(&page))
          count += page.directories_size();
        must(from_grpc(stream->Finish(), "reading a tree"));
        must(count == int(folders) ? absl::OkStatus() : absl::InternalError("a tree in part"));
      },
      [&server] { return server.process().cpu_seconds(); });
  row.per_second *= folders;
  row.cpu_us /= folders;
  rows.add(row);
}

} // namespace

void measure_blobs(table& rows, const std::filesystem::path& re_server) {
  const auto folder = std::filesystem::temp_directory_path()
                      / ("expbuild-bench-files-" + std::to_string(::getpid()));
  const auto synced = measure_synced_files(rows, folder);
  std::filesystem::remove_all(folder);
  std::size_t series = 1;
  for (const auto* level : {"strict", "grouped", "none"})
    measure_level(rows, re_server, level, series++, synced);
  measure_tree(rows, re_server);
}

void measure_restart(table& rows, const std::filesystem::path& re_server, std::size_t millions) {
  const auto count = millions * 1'000'000;
  const auto so_many = (millions == 1 ? "a" : std::to_string(millions)) + " million blobs";
  using clock = std::chrono::steady_clock;
  server_process server(re_server, host_workers());
  {
    auto on = connect(server.address());
    const auto before = server.process().resident_mib();
    measure(
        "", count / batch, in_flight, [&](std::size_t i) { write_batch(on, 9, i); },
        [] { return 0.0; });
    const auto grown = static_cast<int>(server.process().resident_mib() - before);
    rows.remark("To store " + so_many + " of 1 KiB made the server grow by " + std::to_string(grown)
                + " MiB, of which 64 MiB are its memory of small blobs and 32 MiB of results.");
  }
  server.stop();
  const auto begin = clock::now();
  server.start();
  auto on = connect(server.address());
  const auto serving = clock::now();
  read_batch(on, 9, 0);
  const auto answered = clock::now();
  const auto ms = [begin](clock::time_point x) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(x - begin).count());
  };
  rows.remark("With " + so_many + " a start takes " + ms(serving)
              + " ms until it serves, and the first blobs are read after " + ms(answered)
              + " ms; it has " + std::to_string(static_cast<int>(server.process().resident_mib()))
              + " MiB then.");
}

} // namespace expbuild::bench
