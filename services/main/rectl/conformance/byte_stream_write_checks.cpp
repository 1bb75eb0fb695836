#include "services/main/rectl/conformance/byte_stream.hpp"

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;

/// A blob that is not stored yet, in two halves.
struct sample {
  explicit sample(subject& s)
      : bytes(s.fresh_bytes(20'000)), id(digest::of(bytes)), name(upload_name(s, id)) {}
  std::string first() const { return bytes.substr(0, 10'000); }
  std::string second() const { return bytes.substr(10'000); }
  std::int64_t size() const { return id.size_bytes(); }
  std::string bytes;
  digest id;
  std::string name;
};

void expect_stored(subject& s, const sample& x, const answer<WriteResponse>& came) {
  expect_ok("Write", came.status);
  expect_equal("committed_size", came.message.committed_size(), x.size());
  expect(s.load(x.id) == x.bytes, "the bytes that were sent", "others");
}

void expect_not_stored(subject& s, const digest& id) {
  expect(!s.has(id), "nothing stored", "the blob is present");
}

void stores_what_comes_in_one_message(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.bytes, true);
  expect_stored(s, x, to.finish());
}

void stores_what_comes_in_many_messages(subject& s) {
  const sample x(s);
  upload to(s);
  for (std::size_t offset = 0; offset < x.bytes.size(); offset += 1000)
    to.send(offset == 0 ? x.name : "", static_cast<std::int64_t>(offset),
            x.bytes.substr(offset, 1000), offset + 1000 == x.bytes.size());
  expect_stored(s, x, to.finish());
}

void name_may_be_repeated(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.first());
  to.send(x.name, 10'000, x.second(), true);
  expect_stored(s, x, to.finish());
}

void other_name_in_a_later_message_is_refused(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.first());
  to.send(upload_name(s, x.id), 10'000, x.second(), true);
  expect_refused("another name in the second message", to.finish().status);
}

void first_message_must_have_the_name(subject& s) {
  const sample x(s);
  upload to(s);
  to.send("", 0, x.bytes, true);
  expect_refused("a first message without a name", to.finish().status);
}

void offset_with_a_gap_is_refused(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.first());
  to.send("", 10'001, x.second(), true);
  expect_refused("a write_offset beyond what was sent", to.finish().status);
  expect_not_stored(s, x.id);
}

void offset_that_goes_back_is_refused(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.first());
  to.send("", 0, x.first());
  expect_refused("a write_offset below what was sent", to.finish().status);
}

void negative_offset_is_refused(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, -1, x.bytes, true);
  expect_refused("a negative write_offset", to.finish().status);
}

void new_upload_begins_at_zero(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 10'000, x.second(), true);
  expect_refused("a new upload that begins at 10000", to.finish().status);
  expect_not_stored(s, x.id);
}

void nothing_follows_finish_write(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.bytes, true);
  to.send("", x.size(), "more");
  const auto came = to.finish();
  // A server may have answered before it saw the second message: then with the blob stored.
  if (came.status.ok())
    expect_equal("committed_size", came.message.committed_size(), x.size());
  else
    expect_refused("a message after finish_write", came.status);
}

void empty_messages_are_legal(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, "");
  to.send("", 0, x.bytes);
  to.send("", x.size(), "");
  to.send("", x.size(), "", true); // as Siso does
  expect_stored(s, x, to.finish());
}

void wrong_hash_is_invalid_and_stores_nothing(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, s.fresh_bytes(x.bytes.size()), true);
  expect_code("other bytes than the hash says", to.finish().status, invalid);
  expect_not_stored(s, x.id);
}

void too_few_bytes_are_invalid_and_store_nothing(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.first(), true);
  expect_code("fewer bytes than the size says", to.finish().status, invalid);
  expect_not_stored(s, x.id);
}

void too_many_bytes_are_invalid_and_store_nothing(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.bytes + "!", true);
  expect_code("more bytes than the size says", to.finish().status, invalid);
  expect_not_stored(s, x.id);
}

void stream_without_finish_write_is_not_complete(subject& s) {
  const sample x(s);
  upload to(s);
  to.send(x.name, 0, x.first());
  const auto came = to.finish();
  expect_ok("a stream that ends without finish_write", came.status);
  const auto committed = came.message.committed_size();
  expect(committed >= 0 && committed <= 10'000, "committed_size of at most the 10000 bytes sent",
         show(committed));
  expect_not_stored(s, x.id);
}

void present_blob_is_answered_at_once(subject& s) {
  const sample x(s);
  s.store(x.bytes);
  upload to(s);
  to.send(x.name, 0, x.first());
  const auto came = to.finish(false);
  expect_ok("Write of a blob that is there, after its first half", came.status);
  expect_equal("committed_size", came.message.committed_size(), x.size());
}

void blob_that_another_writer_finishes_is_answered_at_once(subject& s) {
  const sample x(s);
  upload slow(s);
  slow.send(x.name, 0, x.bytes.substr(0, 100));
  upload quick(s);
  quick.send(upload_name(s, x.id), 0, x.bytes, true);
  expect_stored(s, x, quick.finish());
  slow.send("", 100, x.bytes.substr(100, 100));
  const auto came = slow.finish(false);
  expect_ok("the unfinished Write of a blob that another client has stored", came.status);
  expect_equal("committed_size", came.message.committed_size(), x.size());
}

void one_uuid_serves_many_blobs(subject& s) {
  const sample a(s);
  const sample b(s);
  const auto uuid_part = a.name.substr(0, a.name.find("/blobs/"));
  upload first(s);
  first.send(a.name, 0, a.first());
  upload other(s);
  other.send(uuid_part + "/blobs/" + b.id.to_string(), 0, b.bytes, true);
  expect_stored(s, b, other.finish());
  first.send("", 10'000, a.second(), true);
  expect_stored(s, a, first.finish());
}

void message_of_8_mib_is_taken(subject& s) {
  const auto bytes = s.fresh_bytes(8 << 20);
  const auto id = digest::of(bytes);
  upload to(s);
  to.send(upload_name(s, id), 0, bytes, true);
  const auto came = to.finish();
  expect_ok("one message of 8 MiB", came.status);
  expect_equal("committed_size", came.message.committed_size(), id.size_bytes());
}

} // namespace

check_list byte_stream_write_checks() {
  return {
      {"write.stores_what_comes_in_one_message",
       "A finished upload is answered with the blob's size, and can be read.",
       stores_what_comes_in_one_message},
      {"write.stores_what_comes_in_many_messages", "Only the first message must carry the name.",
       stores_what_comes_in_many_messages},
      {"write.name_may_be_repeated", "Later messages may repeat the name.", name_may_be_repeated},
      {"write.other_name_in_a_later_message_is_refused",
       "A different name in a later message is an error.",
       other_name_in_a_later_message_is_refused},
      {"write.first_message_must_have_the_name", "The first message carries the name.",
       first_message_must_have_the_name},
      {"write.offset_with_a_gap_is_refused", "A wrong write_offset is an error.",
       offset_with_a_gap_is_refused},
      {"write.offset_that_goes_back_is_refused", "A wrong write_offset is an error.",
       offset_that_goes_back_is_refused},
      {"write.negative_offset_is_refused", "A wrong write_offset is an error.",
       negative_offset_is_refused},
      {"write.new_upload_begins_at_zero", "A wrong write_offset is an error.",
       new_upload_begins_at_zero},
      {"write.nothing_follows_finish_write", "Anything after finish_write is an error.",
       nothing_follows_finish_write},
      {"write.empty_messages_are_legal", "Messages without data are legal: Siso finishes with one.",
       empty_messages_are_legal},
      {"write.wrong_hash_is_invalid_and_stores_nothing",
       "A hash mismatch is INVALID_ARGUMENT, and nothing is stored.",
       wrong_hash_is_invalid_and_stores_nothing},
      {"write.too_few_bytes_are_invalid_and_store_nothing",
       "A size mismatch is INVALID_ARGUMENT, and nothing is stored.",
       too_few_bytes_are_invalid_and_store_nothing},
      {"write.too_many_bytes_are_invalid_and_store_nothing",
       "A size mismatch is INVALID_ARGUMENT, and nothing is stored.",
       too_many_bytes_are_invalid_and_store_nothing},
      {"write.stream_without_finish_write_is_not_complete",
       "A stream that ends without finish_write is answered with its committed_size.",
       stream_without_finish_write_is_not_complete},
      {"write.present_blob_is_answered_at_once",
       "A blob that is there is answered with its size, without waiting for the stream's end.",
       present_blob_is_answered_at_once},
      {"write.blob_that_another_writer_finishes_is_answered_at_once",
       "So is a blob that another writer finishes meanwhile.",
       blob_that_another_writer_finishes_is_answered_at_once},
      {"write.one_uuid_serves_many_blobs",
       "Upload state is keyed by the whole name: one UUID may serve many blobs.",
       one_uuid_serves_many_blobs},
      {"write.message_of_8_mib_is_taken", "Inbound messages may be far larger than 4 MiB.",
       message_of_8_mib_is_taken},
  };
}

} // namespace expbuild::conformance
