#include "storage/hasher.hpp"
#include "test/bench/bench_run.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

/// Streams; an operation is a MiB. The client is the same for both servers.

namespace expbuild::bench {

namespace {

constexpr std::size_t mib = 1 << 20;
constexpr std::size_t blob_mib = 256;
constexpr std::size_t blobs = 4;

sample per_mib(sample x) {
  x.per_second *= blob_mib;
  x.cpu_us /= blob_mib;
  return x;
}

void read_whole(client& from, const digest& id) {
  google::bytestream::ReadRequest request;
  request.set_resource_name(id.to_resource());
  request.set_read_limit(blob_mib * mib);
  const auto context = from.new_call();
  const auto stream = from.bytes->Read(context.get(), request);
  google::bytestream::ReadResponse response;
  std::size_t bytes = 0;
  while (stream->Read(&response))
    bytes += response.data().size();
  must(from_grpc(stream->Finish(), "reading"));
  if (bytes < blob_mib * mib)
    must(absl::DataLossError("a read ended too early"));
}

/// One byte again and again, in messages of so many.
void write_whole(client& to, const digest& id, char fill, std::size_t message) {
  google::bytestream::WriteRequest request;
  request.set_resource_name("uploads/bench/" + id.to_resource());
  request.set_data(std::string(message, fill));
  google::bytestream::WriteResponse response;
  const auto context = to.new_call();
  const auto stream = to.bytes->Write(context.get(), &response);
  for (std::size_t at = 0; at < blob_mib * mib; at += message) {
    request.set_write_offset(static_cast<std::int64_t>(at));
    request.set_finish_write(at + message == blob_mib * mib);
    if (!stream->Write(request))
      break;
  }
  stream->WritesDone();
  must(from_grpc(stream->Finish(), "writing"));
}

void write_and_hash(const std::string& path, const std::string& bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  hasher hash(digest_function::sha256);
  for (std::size_t offset = 0; offset < bytes.size(); offset += mib) {
    const std::string_view part(bytes.data() + offset, mib);
    hash.update(part);
    if (::write(fd, part.data(), part.size()) < 0)
      std::exit(1);
  }
  hash.finish();
  ::close(fd);
}

void remove_files(const std::string& prefix) {
  for (std::size_t i = 0; i < 2 * blobs; ++i)
    ::unlink((prefix + std::to_string(i)).c_str());
}

/// A virtual machine gets memory from its host page by page, at first use, which can cost more than
/// all that is measured here: files are written and removed before, and what is measured uses that
/// memory again.
void use_memory_once(const std::string& prefix, const std::string& bytes) {
  for (std::size_t i = 0; i < 2 * blobs; ++i)
    write_and_hash(prefix + std::to_string(i), bytes);
  remove_files(prefix);
}

char fill_of(std::size_t number) {
  return static_cast<char>('a' + number);
}

std::string some_bytes(std::size_t number) {
  return std::string(blob_mib * mib, fill_of(number));
}

} // namespace

void measure_streams(table& rows, const server_process& server, const child_process& limits,
                     const std::string& limits_address) {
  auto ours = connect(server.address());
  auto theirs = connect(limits_address);
  std::vector<digest> ids;
  for (std::size_t i = 0; i < 2 * blobs; ++i)
    ids.push_back(digest::of(some_bytes(i)));
  const auto server_cpu = [&] { return server.process().cpu_seconds(); };
  const auto limits_cpu = [&] { return limits.cpu_seconds(); };

  const auto bytes = some_bytes(0);
  const auto file = (server.folder() / "limit").string();
  use_memory_once(file, bytes);
  const auto hashed = rows.add(per_mib(measure(
                                   "MiB hashed and written to a file", blobs, 1,
                                   [&](std::size_t i) { // as many new pages as the server needs
                                     write_and_hash(file + std::to_string(i), bytes);
                                   },
                                   own_cpu)),
                               0, "a limit");
  remove_files(file);
  const auto write_rows = [&](const std::string& how, std::size_t message, std::size_t first) {
    const auto write = [&, first](client& to) {
      return [&, first](std::size_t i) {
        write_whole(to, ids[first + i], fill_of(first + i), message);
      };
    };
    const auto sink = rows.add(
        per_mib(measure("MiB written into a null sink" + how, blobs, 1, write(theirs), limits_cpu)),
        0, "a limit");
    const auto written = rows.add(
        per_mib(measure("MiB written by ByteStream" + how, blobs, 1, write(ours), server_cpu)),
        sink.per_second, "the null sink");
    rows.remark("A MiB written" + how + " costs the server "
                + std::to_string(written.cpu_us / (sink.cpu_us + hashed.cpu_us))
                + " times the CPU of null sink, hash and file write together.");
  };
  write_rows("", mib, 0);
  write_rows(" in messages of 16 KiB", 16 << 10, blobs); // as Bazel writes
  const auto raw = rows.add(per_mib(measure(
                                "MiB read as raw slices from memory", blobs, 1,
                                [&](std::size_t i) { read_whole(theirs, ids[i]); }, limits_cpu)),
                            0, "a limit");
  rows.add(per_mib(measure(
               "MiB read by ByteStream", blobs, 1, [&](std::size_t i) { read_whole(ours, ids[i]); },
               server_cpu)),
           raw.per_second, "raw slices");
}

} // namespace expbuild::bench
