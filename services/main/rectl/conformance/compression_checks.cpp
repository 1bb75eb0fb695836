#include "services/main/rectl/conformance/byte_stream.hpp"
#include "storage/codec.hpp"

#include <algorithm>

/// zstd and deflate, where they are announced. Most frames are made by hand, of raw blocks: legal,
/// and all that is needed to see whether a server takes them apart.

namespace expbuild::conformance {

namespace {

void append_little_endian(std::string& to, std::uint32_t x, int bytes) {
  for (int i = 0; i < bytes; ++i)
    to += static_cast<char>(x >> (8 * i) & 0xff);
}

std::string zstd_frame(const std::string& content) {
  std::string frame("\x28\xb5\x2f\xfd\xa0", 5); // magic; one segment, four bytes of content size
  append_little_endian(frame, static_cast<std::uint32_t>(content.size()), 4);
  constexpr std::size_t block = 100'000;
  for (std::size_t at = 0; at < content.size(); at += block) {
    const auto size = std::min(block, content.size() - at);
    const bool last = at + size == content.size();
    append_little_endian(frame, static_cast<std::uint32_t>(size << 3 | (last ? 1 : 0)), 3);
    frame += content.substr(at, size);
  }
  return frame;
}

template <class List>
void need(const List& announced, reapi::Compressor::Value how) {
  if (std::find(announced.begin(), announced.end(), how) == announced.end())
    throw not_offered(reapi::Compressor::Value_Name(how) + " is not announced");
}

template <class List>
void need_zstd(const List& announced) {
  need(announced, reapi::Compressor::ZSTD);
}

void need_zstd_streams(const subject& s) {
  need_zstd(s.capabilities().cache_capabilities().supported_compressors());
}

std::string compressed_upload_name(subject& s, const digest& id, const std::string& how = "zstd") {
  auto name = upload_name(s, id);
  return name.replace(name.find("/blobs/"), 7, "/compressed-blobs/" + how + "/");
}

std::string compressed_read_name(const subject& s, const digest& id,
                                 const std::string& how = "zstd") {
  return instance_prefix(s) + "compressed-blobs/" + how + "/" + id.to_string();
}

void expect_packed(codec how, const std::string& packed, const std::string& plain) {
  const auto found = decompress(how, packed, static_cast<std::int64_t>(plain.size()));
  expect(found.ok(), "a whole " + to_string(how) + " stream of the blob",
         std::string(found.status().message()));
  expect(*found == plain, "the blob, unpacked", "other bytes");
}

answer<WriteResponse> upload_zstd(subject& s, const digest& id, const std::string& frames,
                                  const std::string& tool) {
  upload to(s, tool);
  to.send(compressed_upload_name(s, id), 0, frames, true);
  return to.finish();
}

/// Uploads as this tool; the answer, and how many bytes were sent.
answer<WriteResponse> upload_sample(subject& s, const std::string& tool, std::int64_t& sent,
                                    std::int64_t& size) {
  need_zstd_streams(s);
  const auto bytes = s.fresh_bytes(300'000);
  const auto id = digest::of(bytes);
  const auto frame = zstd_frame(bytes);
  const auto came = upload_zstd(s, id, frame, tool);
  expect_ok("a zstd upload", came.status);
  expect(s.load(id) == bytes, "the uncompressed bytes", "others");
  sent = static_cast<std::int64_t>(frame.size());
  size = id.size_bytes();
  return came;
}

void bazel_hears_compressed_bytes(subject& s) {
  std::int64_t sent = 0;
  std::int64_t size = 0;
  const auto committed = upload_sample(s, "bazel", sent, size).message.committed_size();
  expect(committed == sent || committed == -1,
         "committed_size " + show(sent) + " (compressed) or -1", show(committed));
}

void siso_hears_uncompressed_bytes(subject& s) {
  std::int64_t sent = 0;
  std::int64_t size = 0;
  const auto committed = upload_sample(s, "siso", sent, size).message.committed_size();
  expect_equal("committed_size, uncompressed", committed, size);
}

void concatenated_frames_are_one_blob(subject& s) {
  need_zstd_streams(s);
  const auto a = s.fresh_bytes(1000);
  const auto b = s.fresh_bytes(1000);
  const auto id = digest::of(a + b);
  expect_ok("an upload of two frames",
            upload_zstd(s, id, zstd_frame(a) + zstd_frame(b), "bazel").status);
  expect(s.load(id) == a + b, "both frames' bytes", "others");
}

void wrong_content_is_invalid_and_stores_nothing(subject& s) {
  need_zstd_streams(s);
  const auto id = digest::of(s.fresh_bytes(1000));
  expect_code("a zstd upload of other bytes",
              upload_zstd(s, id, zstd_frame(s.fresh_bytes(1000)), "bazel").status,
              grpc::StatusCode::INVALID_ARGUMENT);
  expect(!s.has(id), "nothing stored", "the blob is present");
}

void bytes_that_are_no_frame_are_refused(subject& s) {
  need_zstd_streams(s);
  const auto bytes = s.fresh_bytes(1000);
  expect_refused("a zstd upload that is not compressed",
                 upload_zstd(s, digest::of(bytes), bytes, "bazel").status);
}

void present_blob_is_answered_at_once(subject& s) {
  need_zstd_streams(s);
  const auto bytes = s.fresh_bytes(300'000);
  const auto id = s.store(bytes);
  upload to(s, "bazel");
  to.send(compressed_upload_name(s, id), 0, zstd_frame(bytes).substr(0, 1000));
  const auto came = to.finish(false);
  expect_ok("a zstd upload of a blob that is there", came.status);
  expect_equal("committed_size", came.message.committed_size(), -1);
}

void read_gives_frames(subject& s) {
  need_zstd_streams(s);
  const auto id = s.store(s.fresh_bytes(100'000));
  const auto came = read(s, compressed_read_name(s, id));
  expect_ok("a compressed Read", came.status);
  expect(came.bytes.substr(0, 4) == "\x28\xb5\x2f\xfd", "a zstd frame", show(came.bytes));
}

void read_unpacks_to_the_blob(subject& s) {
  need_zstd_streams(s);
  const auto bytes = s.fresh_bytes(1'500'000) + std::string(3'000'000, 'x');
  const auto came = read(s, compressed_read_name(s, s.store(bytes)));
  expect_ok("a compressed Read", came.status);
  expect_packed(codec::zstd, came.bytes, bytes);
}

void deflate_is_raw(subject& s) {
  need(s.capabilities().cache_capabilities().supported_compressors(), reapi::Compressor::DEFLATE);
  const auto bytes = s.fresh_bytes(1000) + std::string(3000, 'x');
  const auto id = digest::of(bytes);
  upload to(s, "bazel");
  to.send(compressed_upload_name(s, id, "deflate"), 0, *compress(codec::deflate, bytes), true);
  expect_ok("an upload of a raw deflate stream", to.finish().status);
  expect(s.load(id) == bytes, "the uncompressed bytes", "others");
  const auto came = read(s, compressed_read_name(s, id, "deflate"));
  expect_ok("a Read by deflate", came.status);
  expect_packed(codec::deflate, came.bytes, bytes);
}

void more_than_the_digest_is_refused(subject& s) {
  need_zstd_streams(s);
  const auto id = digest::of(s.fresh_bytes(1000));
  const auto frame = *compress(codec::zstd, std::string(50'000'000, 'x'));
  expect_code("a zstd upload of 50 MB for a digest of 1000 bytes",
              upload_zstd(s, id, frame, "bazel").status, grpc::StatusCode::INVALID_ARGUMENT);
  expect(!s.has(id), "nothing stored", "the blob is present");
}

void truncated_frame_is_refused(subject& s) {
  need_zstd_streams(s);
  const auto bytes = s.fresh_bytes(1000);
  const auto frame = zstd_frame(bytes);
  expect_refused("a zstd upload without its end",
                 upload_zstd(s, digest::of(bytes), frame.substr(0, 900), "bazel").status);
  expect(!s.has(digest::of(bytes)), "nothing stored", "the blob is present");
}

void read_limit_is_refused(subject& s) {
  need_zstd_streams(s);
  const auto id = s.store(s.fresh_bytes(1000));
  expect_code("a compressed Read with a limit", read(s, compressed_read_name(s, id), 0, 10).status,
              grpc::StatusCode::INVALID_ARGUMENT);
}

void read_offset_counts_uncompressed_bytes(subject& s) {
  need_zstd_streams(s);
  const auto bytes = std::string(100'000, 'x') + s.fresh(); // its frame is far shorter
  const auto id = s.store(bytes);
  const auto came = read(s, compressed_read_name(s, id), 50'000);
  expect_ok("a compressed Read from 50000", came.status);
  expect_packed(codec::zstd, came.bytes, bytes.substr(50'000));
  expect_code("a compressed Read beyond the end",
              read(s, compressed_read_name(s, id), id.size_bytes() + 1).status,
              grpc::StatusCode::OUT_OF_RANGE);
}

void absent_blob_is_not_found(subject& s) {
  need_zstd_streams(s);
  expect_code("a compressed Read of an absent blob",
              read(s, compressed_read_name(s, absent_digest(s))).status,
              grpc::StatusCode::NOT_FOUND);
}

void batch_takes_zstd(subject& s) {
  need_zstd(s.capabilities().cache_capabilities().supported_batch_update_compressors());
  const auto bytes = s.fresh_bytes(1000);
  reapi::BatchUpdateBlobsRequest request;
  request.set_instance_name(s.instance());
  auto& blob = *request.add_requests();
  *blob.mutable_digest() = digest::of(bytes).to_proto();
  blob.set_data(zstd_frame(bytes));
  blob.set_compressor(reapi::Compressor::ZSTD);
  reapi::BatchUpdateBlobsResponse response;
  expect_ok("BatchUpdateBlobs with zstd",
            s.server().cas->BatchUpdateBlobs(s.server().new_call().get(), request, &response));
  expect_ok("storing the blob", response.responses(0).status());
  expect(s.load(digest::of(bytes)) == bytes, "the uncompressed bytes", "others");
}

void batch_read_packs_only_what_is_accepted(subject& s) {
  need_zstd_streams(s);
  const auto bytes = std::string(100'000, 'x') + s.fresh();
  reapi::BatchReadBlobsRequest request;
  request.set_instance_name(s.instance());
  *request.add_digests() = s.store(bytes).to_proto();
  for (const bool accepted : {false, true}) {
    if (accepted)
      request.add_acceptable_compressors(reapi::Compressor::ZSTD);
    reapi::BatchReadBlobsResponse response;
    expect_ok("BatchReadBlobs",
              s.server().cas->BatchReadBlobs(s.server().new_call().get(), request, &response));
    expect_ok("reading the blob", response.responses(0).status());
    const auto& got = response.responses(0);
    if (got.compressor() == reapi::Compressor::IDENTITY) {
      expect(got.data() == bytes, "the blob", "other bytes");
      continue;
    }
    expect(accepted && got.compressor() == reapi::Compressor::ZSTD, "a compressor that is accepted",
           reapi::Compressor::Value_Name(got.compressor()));
    expect_packed(codec::zstd, got.data(), bytes);
  }
}

} // namespace

check_list compression_checks() {
  return {
      {"compression.bazel_hears_compressed_bytes",
       "Bazel and Buck2 accept the compressed byte count, or -1.", bazel_hears_compressed_bytes},
      {"compression.siso_hears_uncompressed_bytes",
       "Siso, reclient and the Go SDK want the uncompressed size.", siso_hears_uncompressed_bytes},
      {"compression.concatenated_frames_are_one_blob",
       "A compressed upload may be several concatenated frames.", concatenated_frames_are_one_blob},
      {"compression.wrong_content_is_invalid_and_stores_nothing",
       "The digest is that of the uncompressed bytes.",
       wrong_content_is_invalid_and_stores_nothing},
      {"compression.bytes_that_are_no_frame_are_refused", "What can not be decoded is an error.",
       bytes_that_are_no_frame_are_refused},
      {"compression.present_blob_is_answered_at_once",
       "A blob that is there is answered with -1 on a compressed upload.",
       present_blob_is_answered_at_once},
      {"compression.read_gives_frames", "A compressor that is announced is served.",
       read_gives_frames},
      {"compression.read_unpacks_to_the_blob", "A compressed read is a whole stream of the blob.",
       read_unpacks_to_the_blob},
      {"compression.deflate_is_raw", "DEFLATE is RFC 1951, without zlib's frame.", deflate_is_raw},
      {"compression.more_than_the_digest_is_refused",
       "What unpacks to more than its digest says is INVALID_ARGUMENT and stores nothing.",
       more_than_the_digest_is_refused},
      {"compression.truncated_frame_is_refused", "A stream without its end is an error.",
       truncated_frame_is_refused},
      {"compression.batch_read_packs_only_what_is_accepted",
       "BatchReadBlobs compresses only with what acceptable_compressors names.",
       batch_read_packs_only_what_is_accepted},
      {"compression.read_limit_is_refused",
       "A non-zero limit on a compressed read is INVALID_ARGUMENT.", read_limit_is_refused},
      {"compression.read_offset_counts_uncompressed_bytes",
       "On compressed reads the offset counts uncompressed bytes.",
       read_offset_counts_uncompressed_bytes},
      {"compression.absent_blob_is_not_found", "An absent blob is NOT_FOUND.",
       absent_blob_is_not_found},
      {"compression.batch_takes_zstd", "A compressor that is announced for batches is served.",
       batch_takes_zstd},
  };
}

} // namespace expbuild::conformance
