#include "storage/codec.hpp"
#include "test/bench/bench_run.hpp"

#include <fstream>
#include <sys/stat.h>

/// What compression at rest costs and saves. An operation is a MiB of a program: of the server's
/// own.

namespace expbuild::bench {

namespace {

constexpr std::size_t mib = 1 << 20;
constexpr std::size_t most_blobs = 256;
constexpr std::size_t in_flight = 2;

/// Pieces of a file, all different.
std::vector<std::string> pieces_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> all;
  std::string piece(mib, '\0');
  while (all.size() < most_blobs && in.read(piece.data(), std::ssize(piece)))
    all.push_back(piece);
  must(all.empty() ? absl::NotFoundError(file.string() + " has no MiB to measure with")
                   : absl::OkStatus());
  for (const auto count = all.size(); all.size() < most_blobs;) {
    auto again = all[all.size() % count];
    again.replace(0, 8, std::to_string(10'000'000 + all.size()));
    all.push_back(std::move(again));
  }
  return all;
}

void write(client& on, const std::string& bytes) {
  reapi::BatchUpdateBlobsRequest request;
  auto& one = *request.add_requests();
  one.set_data(bytes);
  *one.mutable_digest() = digest::of(bytes).to_proto();
  reapi::BatchUpdateBlobsResponse response;
  must(from_grpc(on.cas->BatchUpdateBlobs(on.new_call().get(), request, &response), "uploading"));
  for (const auto& x : response.responses())
    if (x.status().code() != 0)
      must(absl::InternalError(x.status().message()));
}

/// Only what comes is counted: unpacking is the client's.
void read(client& on, const std::string& name, std::size_t least) {
  google::bytestream::ReadRequest request;
  request.set_resource_name(name);
  const auto context = on.new_call();
  const auto stream = on.bytes->Read(context.get(), request);
  google::bytestream::ReadResponse response;
  std::size_t bytes = 0;
  while (stream->Read(&response))
    bytes += response.data().size();
  must(from_grpc(stream->Finish(), "reading"));
  must(bytes < least ? absl::DataLossError("a read ended too early") : absl::OkStatus());
}

std::int64_t taken_by(const std::filesystem::path& folder) {
  std::int64_t bytes = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat facts {};
    if (each.is_regular_file() && ::stat(each.path().c_str(), &facts) == 0)
      bytes += facts.st_blocks * 512;
  }
  return bytes;
}

struct rates {
  double written = 0;
  double read = 0;
  double packed = 0;
  std::int64_t taken = 0;
};

/// Rows of one store; `plain` is what a store without compression did.
rates measure_store(table& rows, const std::filesystem::path& re_server,
                    const std::vector<std::string>& blobs, const std::string& compression,
                    const rates& plain) {
  const server_process server(re_server, host_workers(),
                              "compression = \"" + compression + "\"\ndurability = \"none\"");
  auto on = connect(server.address());
  const auto cpu = [&server] { return server.process().cpu_seconds(); };
  const std::string kind = compression == "none" ? "plain" : "compressed";
  const std::string limit = plain.written > 0 ? "a plain store" : "a limit";
  std::vector<digest> ids;
  for (const auto& x : blobs)
    ids.push_back(digest::of(x));
  const auto each = [&](const std::string& what, double of,
                        const std::function<void(std::size_t)>& work) {
    return rows.add(measure(what, blobs.size(), in_flight, work, cpu), of, limit).per_second;
  };
  rates x;
  x.written = each("MiB of programs written to a " + kind + " store", plain.written,
                   [&](std::size_t i) { write(on, blobs[i]); });
  x.read = each("the same read", plain.read,
                [&](std::size_t i) { read(on, ids[i].to_resource(), mib); });
  x.packed = each("the same read with zstd", plain.packed, [&](std::size_t i) {
    read(on, "compressed-blobs/zstd/" + ids[i].to_string(), 1);
  });
  x.taken = taken_by(server.folder() / "cas" / "blobs") + taken_by(server.folder() / "cas/pending");
  return x;
}

} // namespace

void measure_compression(table& rows, const std::filesystem::path& re_server) {
  const auto blobs = pieces_of(re_server);
  const auto plain = measure_store(rows, re_server, blobs, "none", {});
  const auto packed = measure_store(rows, re_server, blobs, "zstd", plain);
  rows.remark("Compressed, " + std::to_string(blobs.size()) + " MiB of programs take "
              + std::to_string(static_cast<double>(packed.taken) / static_cast<double>(plain.taken))
              + " of what they take as they are.");
}

} // namespace expbuild::bench
