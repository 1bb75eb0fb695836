#include "services/main/rectl/conformance/byte_stream.hpp"
#include "services/main/rectl/conformance/requests.hpp"

#include "storage/hasher.hpp"

#include <algorithm>
#include <optional>

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;
constexpr auto not_found = grpc::StatusCode::NOT_FOUND;

void empty_hash_is_refused(subject& s) {
  expect_code("FindMissingBlobs of an empty hash", s.find_missing({reapi::Digest()}).status,
              invalid);
}

void upper_case_hash_is_refused(subject& s) {
  auto text = s.store(s.fresh()).hash();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  expect_code("FindMissingBlobs of an upper-case hash",
              s.find_missing({with_hash(absent_digest(s), text)}).status, invalid);
}

void hash_that_is_no_hex_is_refused(subject& s) {
  auto text = std::string(61, 'a') + "/..";
  expect_code("FindMissingBlobs of '" + text + "'",
              s.find_missing({with_hash(absent_digest(s), text)}).status, invalid);
}

void negative_size_is_refused(subject& s) {
  expect_code("FindMissingBlobs of a negative size",
              s.find_missing({with_size(absent_digest(s), -1)}).status, invalid);
}

void wrong_size_is_missing(subject& s) {
  const auto id = s.store(s.fresh());
  const auto other = with_size(id, id.size_bytes() + 1);
  const auto came = s.find_missing({id.to_proto(), other});
  expect_ok("FindMissingBlobs", came.status);
  expect_equal("missing blobs", came.message.missing_blob_digests_size(), 1);
  expect_equal("size of the missing one", came.message.missing_blob_digests(0).size_bytes(),
               other.size_bytes());
}

void wrong_size_is_not_read(subject& s) {
  const auto id = s.store(s.fresh());
  const auto name = instance_prefix(s) + "blobs/" + id.hash() + "/";
  for (const auto size : {id.size_bytes() - 1, id.size_bytes() + 1})
    expect_code("Read of a right hash with a wrong size",
                read(s, name + std::to_string(size)).status, not_found);
}

void wrong_size_is_not_read_in_a_batch(subject& s) {
  const auto id = s.store(s.fresh());
  const auto came = s.batch_read({with_size(id, id.size_bytes() + 1)});
  expect_ok("BatchReadBlobs", came.status);
  expect_equal("responses", came.message.responses_size(), 1);
  expect_code("a right hash with a wrong size", came.message.responses(0).status(), not_found);
}

void wrong_size_is_no_tree(subject& s) {
  reapi::Directory root;
  root.add_symlinks()->set_name(s.fresh());
  root.mutable_symlinks(0)->set_target("x");
  const auto id = s.store(root);
  expect_code("GetTree of a right hash with a wrong size",
              ask_get_tree(s, {s.instance(), {}, with_size(id, id.size_bytes() + 1)}), not_found);
}

void wrong_size_is_no_hit(subject& s) {
  s.need_cache_updates();
  const auto id = s.store(s.fresh());
  expect_ok("UpdateActionResult", s.update_result(id.to_proto(), {}).status);
  expect_code("GetActionResult of a right hash with a wrong size",
              s.get_result(with_size(id, id.size_bytes() + 1)).status, not_found);
}

void function_is_inferred_from_the_length(subject& s) {
  const auto id = s.store(s.fresh());
  const auto came = s.find_missing({id.to_proto()});
  expect_ok("FindMissingBlobs without a digest function", came.status);
  expect_equal("missing blobs", came.message.missing_blob_digests_size(), 0);
}

void declared_function_is_accepted(subject& s) {
  const auto id = s.store(s.fresh());
  expect_ok("FindMissingBlobs with SHA256",
            ask_find_missing(s, {s.instance(), reapi::DigestFunction::SHA256, id.to_proto()}));
}

/// The functions of the server that we can compute ourselves.
std::vector<digest_function> known_functions(subject& s) {
  std::vector<digest_function> known;
  for (const auto x : s.capabilities().cache_capabilities().digest_functions()) {
    const auto function = parse_digest_function(
        reapi::DigestFunction::Value_Name(static_cast<reapi::DigestFunction::Value>(x)));
    if (function.ok() && is_built_in(*function))
      known.push_back(*function);
  }
  return known;
}

void every_announced_function_stores_and_reads(subject& s) {
  for (const auto function : known_functions(s)) {
    const auto bytes = s.fresh();
    const auto id = digest::of(bytes, function);
    reapi::BatchUpdateBlobsRequest request;
    request.set_instance_name(s.instance());
    request.set_digest_function(
        static_cast<reapi::DigestFunction::Value>(static_cast<int>(function)));
    *request.add_requests()->mutable_digest() = id.to_proto();
    request.mutable_requests(0)->set_data(bytes);
    reapi::BatchUpdateBlobsResponse response;
    expect_ok("BatchUpdateBlobs with " + to_string(function),
              s.server().cas->BatchUpdateBlobs(s.server().new_call().get(), request, &response));
    expect_ok("storing a blob named by " + to_string(function), response.responses(0).status());
    const auto came = read(s, read_name(s, id));
    expect_ok("reading a blob named by " + to_string(function), came.status);
    expect_equal("its bytes", came.bytes, bytes);
  }
}

} // namespace

check_list digest_checks() {
  return {
      {"digests.empty_hash_is_refused", "An empty hash is malformed.", empty_hash_is_refused},
      {"digests.upper_case_hash_is_refused", "A hash is lower-case hexadecimal.",
       upper_case_hash_is_refused},
      {"digests.hash_that_is_no_hex_is_refused", "A hash is lower-case hexadecimal.",
       hash_that_is_no_hex_is_refused},
      {"digests.negative_size_is_refused", "A size is not negative.", negative_size_is_refused},
      {"digests.wrong_size_is_missing",
       "A digest is hash and size: the right hash with a wrong size is missing.",
       wrong_size_is_missing},
      {"digests.wrong_size_is_not_read", "The right hash with a wrong size is NOT_FOUND to Read.",
       wrong_size_is_not_read},
      {"digests.wrong_size_is_not_read_in_a_batch",
       "The right hash with a wrong size is NOT_FOUND to BatchReadBlobs.",
       wrong_size_is_not_read_in_a_batch},
      {"digests.wrong_size_is_no_tree", "The right hash with a wrong size is NOT_FOUND to GetTree.",
       wrong_size_is_no_tree},
      {"digests.wrong_size_is_no_hit",
       "The right hash with a wrong size is NOT_FOUND to GetActionResult.", wrong_size_is_no_hit},
      {"digests.function_is_inferred_from_the_length",
       "Digest function 0 is inferred from the hash's length: Bazel 4 sends none.",
       function_is_inferred_from_the_length},
      {"digests.declared_function_is_accepted", "An announced digest function is accepted.",
       declared_function_is_accepted},
      {"digests.every_announced_function_stores_and_reads",
       "A digest function that is announced is served.", every_announced_function_stores_and_reads},
  };
}

} // namespace expbuild::conformance
