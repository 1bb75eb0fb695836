#pragma once
#include "test/services/byte_stream_fixture.hpp"

#include <random>

namespace expbuild::test {

inline constexpr auto codecs = {codec::zstd, codec::deflate};

inline std::string packed_name(const digest& id, codec how = codec::zstd) {
  return std::string("compressed-blobs/") + (how == codec::zstd ? "zstd/" : "deflate/")
         + id.to_string();
}

inline std::string to_write_packed(const digest& id, codec how = codec::zstd) {
  return "uploads/11111111-2222-3333-4444-555555555555/" + packed_name(id, how);
}

/// Half noise, half the same letter.
inline std::string sample(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::string bytes(size, 'x');
  for (std::size_t i = 0; i < size / 2; ++i)
    bytes[i] = static_cast<char>(random());
  return bytes;
}

inline std::string zstd(const std::string& plain) {
  return *compress(codec::zstd, plain);
}

/// Reads and writes by names with compressed-blobs/.
struct compressed_stream_fixture : byte_stream_fixture {
  std::string unpacked(const digest& id, codec how, std::int64_t offset = 0) {
    const auto [code, bytes] = read(packed_name(id, how), offset);
    CAF_CHECK(code == grpc::OK);
    const auto plain = decompress(how, bytes, id.size_bytes());
    return plain.ok() ? *plain : std::string(plain.status().message());
  }

  /// All in one message; the answer's committed_size in `committed`.
  grpc::StatusCode write(const digest& id, const std::string& packed, codec how = codec::zstd,
                         const std::string& tool = "") {
    upload x(*this, tool);
    const auto code = x.send(to_write_packed(id, how), 0, packed, true).end();
    committed = x.answer.committed_size();
    last_error = x.error;
    return code;
  }

  std::int64_t committed = 0;
};

} // namespace expbuild::test
