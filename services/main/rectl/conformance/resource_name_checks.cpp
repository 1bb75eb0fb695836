#include "services/main/rectl/conformance/byte_stream.hpp"

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;

void expect_bad_to_read(subject& s, const std::string& name) {
  expect_code("Read of '" + name + "'", read(s, name).status, invalid);
}

void upload_as(subject& s, const std::string& before, const std::string& after) {
  const auto bytes = s.fresh();
  const auto id = digest::of(bytes);
  upload to(s);
  const auto name = instance_prefix(s) + before + id.to_string() + after;
  to.send(name, 0, bytes, true);
  expect_ok("Write to '" + name + "'", to.finish().status);
  expect(s.load(id) == bytes, "the bytes that were sent", "others");
}

void trailing_part_of_an_upload_is_ignored(subject& s) {
  upload_as(s, "uploads/some-uuid/blobs/", "/some/file.txt");
}

void trailing_part_may_hold_keywords(subject& s) {
  upload_as(s, "uploads/some-uuid/blobs/", "/blobs/uploads/actions/operations");
}

void uuid_may_be_any_text(subject& s) {
  upload_as(s, "uploads/not_a_uuid.at-all/blobs/", "");
}

void name_without_keyword_is_refused(subject& s) {
  expect_bad_to_read(s, instance_prefix(s) + absent_digest(s).to_string());
}

void name_without_size_is_refused(subject& s) {
  expect_bad_to_read(s, instance_prefix(s) + "blobs/" + absent_digest(s).hash());
}

void size_that_is_no_number_is_refused(subject& s) {
  for (const auto* size : {"12x", "-1", "+1", " 1", "", "99999999999999999999"})
    expect_bad_to_read(s, instance_prefix(s) + "blobs/" + absent_digest(s).hash() + "/" + size);
}

void empty_name_is_refused(subject& s) {
  expect_bad_to_read(s, "");
}

void upload_without_uuid_is_refused(subject& s) {
  upload to(s);
  const auto bytes = s.fresh();
  to.send(instance_prefix(s) + "uploads/blobs/" + digest::of(bytes).to_string(), 0, bytes, true);
  expect_code("an upload without a UUID", to.finish().status, invalid);
}

void read_name_can_not_be_written(subject& s) {
  upload to(s);
  const auto bytes = s.fresh();
  to.send(read_name(s, digest::of(bytes)), 0, bytes, true);
  expect_code("Write to a name to read", to.finish().status, invalid);
}

void unknown_compressor_is_refused(subject& s) {
  expect_code(
      "Read with a compressor that does not exist",
      read(s, instance_prefix(s) + "compressed-blobs/no-such/" + absent_digest(s).to_string())
          .status,
      invalid);
}

void compressor_that_is_not_announced_is_refused(subject& s) {
  for (const auto x : s.capabilities().cache_capabilities().supported_compressors())
    if (x == reapi::Compressor::BROTLI)
      throw not_offered("every compressor is announced");
  const auto id = s.store(s.fresh());
  expect_refused("Read with a compressor that is not announced",
                 read(s, instance_prefix(s) + "compressed-blobs/brotli/" + id.to_string()).status);
}

} // namespace

check_list resource_name_checks() {
  return {
      {"names.trailing_part_of_an_upload_is_ignored",
       "uploads/UUID/blobs/HASH/SIZE may be followed by anything.",
       trailing_part_of_an_upload_is_ignored},
      {"names.trailing_part_may_hold_keywords",
       "Names are parsed at the first keyword: the trailing part may hold others.",
       trailing_part_may_hold_keywords},
      {"names.uuid_may_be_any_text", "The UUID of an upload is the client's own.",
       uuid_may_be_any_text},
      {"names.name_without_keyword_is_refused", "A name that fits no form is INVALID_ARGUMENT.",
       name_without_keyword_is_refused},
      {"names.name_without_size_is_refused", "A name that fits no form is INVALID_ARGUMENT.",
       name_without_size_is_refused},
      {"names.size_that_is_no_number_is_refused", "A size is a decimal number.",
       size_that_is_no_number_is_refused},
      {"names.empty_name_is_refused", "A name that fits no form is INVALID_ARGUMENT.",
       empty_name_is_refused},
      {"names.upload_without_uuid_is_refused", "A name that fits no form is INVALID_ARGUMENT.",
       upload_without_uuid_is_refused},
      {"names.read_name_can_not_be_written", "Uploads go to names with uploads/UUID.",
       read_name_can_not_be_written},
      {"names.unknown_compressor_is_refused", "A compressor that does not exist is an error.",
       unknown_compressor_is_refused},
      {"names.compressor_that_is_not_announced_is_refused",
       "Compressors are announced when they are served, and only then.",
       compressor_that_is_not_announced_is_refused},
  };
}

} // namespace expbuild::conformance
