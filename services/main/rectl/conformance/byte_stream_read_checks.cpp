#include "services/main/rectl/conformance/byte_stream.hpp"

namespace expbuild::conformance {

namespace {

constexpr std::int64_t size = 10'000;

/// A stored blob and its bytes.
struct sample {
  explicit sample(subject& s, std::size_t n = size) : bytes(s.fresh_bytes(n)), id(s.store(bytes)) {}
  std::string bytes;
  digest id;
};

read_bytes read_sample(subject& s, const sample& x, std::int64_t offset, std::int64_t limit) {
  return read(s, read_name(s, x.id), offset, limit);
}

void expect_part(const sample& x, const read_bytes& came, std::size_t offset, std::size_t length) {
  expect_ok("Read", came.status);
  expect_equal("bytes read", came.bytes.size(), length);
  expect(came.bytes == x.bytes.substr(offset, length), "the blob's own bytes", "others");
}

void gives_the_whole_blob(subject& s) {
  const sample x(s);
  expect_part(x, read_sample(s, x, 0, 0), 0, size);
}

void begins_at_the_offset(subject& s) {
  const sample x(s);
  expect_part(x, read_sample(s, x, 1234, 0), 1234, size - 1234);
}

void ends_at_the_limit(subject& s) {
  const sample x(s);
  expect_part(x, read_sample(s, x, 1000, 2345), 1000, 2345);
}

void limit_beyond_the_end_gives_the_rest(subject& s) {
  const sample x(s);
  expect_part(x, read_sample(s, x, 1000, 2 * size), 1000, size - 1000);
}

void offset_at_the_end_gives_nothing(subject& s) {
  const sample x(s);
  expect_part(x, read_sample(s, x, size, 0), size, 0);
}

void offset_beyond_the_end_is_out_of_range(subject& s) {
  const sample x(s);
  expect_code("an offset beyond the end", read_sample(s, x, size + 1, 0).status,
              grpc::StatusCode::OUT_OF_RANGE);
}

void negative_offset_is_out_of_range(subject& s) {
  const sample x(s);
  expect_code("a negative offset", read_sample(s, x, -1, 0).status, grpc::StatusCode::OUT_OF_RANGE);
}

void negative_limit_is_refused(subject& s) {
  const sample x(s);
  expect_refused("a negative limit", read_sample(s, x, 0, -1).status);
}

void absent_blob_is_not_found(subject& s) {
  expect_code("Read of an absent blob", read(s, read_name(s, absent_digest(s))).status,
              grpc::StatusCode::NOT_FOUND);
}

void messages_stay_below_4_mib(subject& s) {
  const sample x(s, 9 << 20);
  const auto came = read_sample(s, x, 0, 0);
  expect_part(x, came, 0, 9 << 20);
  expect(came.largest_message < 4 << 20, "messages below 4 MiB", show(came.largest_message));
}

void follows_a_write_on_another_connection(subject& s) {
  const sample x(s);
  google::bytestream::ReadRequest request;
  request.set_resource_name(read_name(s, x.id));
  const auto call = s.second().new_call();
  const auto stream = s.second().bytes->Read(call.get(), request);
  google::bytestream::ReadResponse message;
  std::string bytes;
  while (stream->Read(&message))
    bytes += message.data();
  expect_ok("Read on another connection", stream->Finish());
  expect(bytes == x.bytes, "the bytes just written", show(bytes));
}

void upload_name_can_not_be_read(subject& s) {
  const sample x(s);
  expect_refused("Read of an upload's name", read(s, upload_name(s, x.id)).status);
}

} // namespace

check_list byte_stream_read_checks() {
  return {
      {"read.gives_the_whole_blob", "Read gives the blob; read_limit 0 means all.",
       gives_the_whole_blob},
      {"read.begins_at_the_offset", "Read begins at read_offset.", begins_at_the_offset},
      {"read.ends_at_the_limit", "Read gives at most read_limit bytes.", ends_at_the_limit},
      {"read.limit_beyond_the_end_gives_the_rest", "A limit beyond the end is no error.",
       limit_beyond_the_end_gives_the_rest},
      {"read.offset_at_the_end_gives_nothing", "An offset at the end is no error.",
       offset_at_the_end_gives_nothing},
      {"read.offset_beyond_the_end_is_out_of_range", "An offset beyond the end is OUT_OF_RANGE.",
       offset_beyond_the_end_is_out_of_range},
      {"read.negative_offset_is_out_of_range", "A negative offset is OUT_OF_RANGE.",
       negative_offset_is_out_of_range},
      {"read.negative_limit_is_refused", "A negative read_limit is an error.",
       negative_limit_is_refused},
      {"read.absent_blob_is_not_found", "An absent blob is NOT_FOUND.", absent_blob_is_not_found},
      {"read.messages_stay_below_4_mib",
       "Older Bazel refuses messages of 4 MiB: a large blob comes in smaller ones.",
       messages_stay_below_4_mib},
      {"read.follows_a_write_on_another_connection",
       "Reads follow writes at once, across connections.", follows_a_write_on_another_connection},
      {"read.upload_name_can_not_be_read", "A name with uploads/UUID is one to write.",
       upload_name_can_not_be_read},
  };
}

} // namespace expbuild::conformance
