#include "services/main/rectl/conformance/byte_stream.hpp"

#include <set>

namespace expbuild::conformance {

namespace {

constexpr auto invalid = grpc::StatusCode::INVALID_ARGUMENT;

std::int64_t batch_limit(const subject& s) {
  const auto limit = s.capabilities().cache_capabilities().max_batch_total_size_bytes();
  return limit > 0 ? limit : 4'000'000;
}

void find_missing_names_exactly_the_missing(subject& s) {
  const auto there = s.store(s.fresh());
  const auto also_there = s.store(s.fresh());
  const auto gone = absent_digest(s);
  const auto also_gone = absent_digest(s);
  const auto came = s.find_missing(
      {gone.to_proto(), there.to_proto(), also_gone.to_proto(), also_there.to_proto()});
  expect_ok("FindMissingBlobs", came.status);
  std::set<std::string> missing;
  for (const auto& id : came.message.missing_blob_digests())
    missing.insert(id.hash());
  expect(missing == std::set<std::string>{gone.hash(), also_gone.hash()}, "the two missing blobs",
         std::to_string(missing.size()) + " digests, not those two");
}

void find_missing_of_nothing_is_nothing(subject& s) {
  const auto came = s.find_missing({});
  expect_ok("FindMissingBlobs of nothing", came.status);
  expect_equal("missing blobs", came.message.missing_blob_digests_size(), 0);
}

void large_question_is_answered(subject& s) {
  const auto id = s.store(s.fresh());
  const auto came = s.find_missing(std::vector(70'000, id.to_proto())); // 5 MB
  expect_ok("FindMissingBlobs in a message of 5 MB", came.status);
  expect_equal("missing blobs", came.message.missing_blob_digests_size(), 0);
}

void batch_stores_every_blob(subject& s) {
  std::vector<std::pair<reapi::Digest, std::string>> blobs;
  for (int i = 0; i < 20; ++i) {
    auto bytes = s.fresh();
    blobs.emplace_back(digest::of(bytes).to_proto(), bytes);
  }
  const auto came = s.batch_update(blobs);
  expect_ok("BatchUpdateBlobs", came.status);
  expect_equal("responses", came.message.responses_size(), 20);
  for (const auto& each : came.message.responses())
    expect_ok("storing " + each.digest().hash(), each.status());
  for (const auto& [id, bytes] : blobs)
    expect(s.load(id) == bytes, "the bytes that were sent", "others");
}

void expect_one_bad(subject& s, const reapi::Digest& bad, const std::string& data) {
  const auto good = s.fresh();
  const auto good_id = digest::of(good);
  const auto came = s.batch_update({{bad, data}, {good_id.to_proto(), good}});
  expect_ok("BatchUpdateBlobs with one bad blob", came.status);
  expect_equal("responses", came.message.responses_size(), 2);
  for (const auto& each : came.message.responses()) {
    if (each.digest().hash() == bad.hash())
      expect_code("the bad blob", each.status(), invalid);
    else
      expect_ok("the good blob", each.status());
  }
  expect(s.has(good_id), "the good blob stored", "it is missing");
}

void wrong_hash_fails_alone_and_stores_nothing(subject& s) {
  const auto text = s.fresh();
  const auto other = digest::of(text.substr(1) + "x");
  expect_one_bad(s, other.to_proto(), text);
  expect(!s.has(other), "nothing stored", "the blob is present");
}

void wrong_size_fails_alone_and_stores_nothing(subject& s) {
  const auto text = s.fresh();
  const auto id = digest::of(text);
  expect_one_bad(s, with_size(id, id.size_bytes() - 1), text);
  expect(!s.has(id), "nothing stored", "the blob is present");
}

void batch_update_above_the_limit_is_refused(subject& s) {
  const auto half = static_cast<std::size_t>(batch_limit(s) / 2 + 1);
  const auto a = s.fresh_bytes(half);
  const auto b = s.fresh_bytes(half);
  expect_code("BatchUpdateBlobs of more than max_batch_total_size_bytes",
              s.batch_update({{digest::of(a).to_proto(), a}, {digest::of(b).to_proto(), b}}).status,
              invalid);
}

void full_batch_is_stored_and_read(subject& s) {
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(batch_limit(s), 16 << 20));
  const auto bytes = s.fresh_bytes(size);
  const auto id = digest::of(bytes);
  const auto stored = s.batch_update({{id.to_proto(), bytes}});
  expect_ok("BatchUpdateBlobs of exactly max_batch_total_size_bytes", stored.status);
  expect_ok("storing the blob", stored.message.responses(0).status());
  const auto came = s.batch_read({id.to_proto()});
  expect_ok("BatchReadBlobs of exactly max_batch_total_size_bytes", came.status);
  expect_ok("reading the blob", came.message.responses(0).status());
  expect(came.message.responses(0).data() == bytes, "the bytes that were stored", "others");
  if (size < 4 << 20)
    expect(came.message.ByteSizeLong() < 4 << 20, "a message below 4 MiB",
           show(came.message.ByteSizeLong()));
}

void stored_again_is_ok(subject& s) {
  const auto text = s.fresh();
  expect(s.store(text) == s.store(text), "the same blob", "another");
}

void batch_read_gives_every_blob(subject& s) {
  const auto a = s.fresh();
  const auto b = s.fresh();
  const auto came = s.batch_read({s.store(a).to_proto(), s.store(b).to_proto()});
  expect_ok("BatchReadBlobs", came.status);
  expect_equal("responses", came.message.responses_size(), 2);
  for (const auto& each : came.message.responses()) {
    expect_ok("reading " + each.digest().hash(), each.status());
    expect_equal("its bytes", each.data(), each.digest().hash() == digest::of(a).hash() ? a : b);
  }
}

void absent_blob_fails_alone(subject& s) {
  const auto text = s.fresh();
  const auto gone = absent_digest(s).to_proto();
  const auto came = s.batch_read({gone, s.store(text).to_proto()});
  expect_ok("BatchReadBlobs with an absent blob", came.status);
  expect_equal("responses", came.message.responses_size(), 2);
  for (const auto& each : came.message.responses()) {
    if (each.digest().hash() == gone.hash())
      expect_code("the absent blob", each.status(), grpc::StatusCode::NOT_FOUND);
    else
      expect_equal("the other blob", each.data(), text);
  }
}

void batch_read_above_the_limit_is_refused(subject& s) {
  const auto size = batch_limit(s) / 2 + 1;
  expect_code(
      "BatchReadBlobs of more than max_batch_total_size_bytes",
      s.batch_read({with_size(absent_digest(s), size), with_size(absent_digest(s), size)}).status,
      invalid);
}

void plain_bytes_are_always_acceptable(subject& s) {
  const auto text = s.fresh();
  reapi::BatchReadBlobsRequest request;
  request.set_instance_name(s.instance());
  *request.add_digests() = s.store(text).to_proto();
  request.add_acceptable_compressors(reapi::Compressor::BROTLI);
  reapi::BatchReadBlobsResponse response;
  expect_ok("BatchReadBlobs for a client that also takes brotli",
            s.server().cas->BatchReadBlobs(s.server().new_call().get(), request, &response));
  expect_ok("reading the blob", response.responses(0).status());
  if (response.responses(0).compressor() == reapi::Compressor::IDENTITY)
    expect_equal("its bytes", response.responses(0).data(), text);
}

void compressor_that_is_not_announced_fails(subject& s) {
  const auto& known = s.capabilities().cache_capabilities().supported_batch_update_compressors();
  if (std::find(known.begin(), known.end(), reapi::Compressor::BROTLI) != known.end())
    throw not_offered("brotli is announced");
  const auto text = s.fresh();
  reapi::BatchUpdateBlobsRequest request;
  request.set_instance_name(s.instance());
  auto& blob = *request.add_requests();
  *blob.mutable_digest() = digest::of(text).to_proto();
  blob.set_data(text);
  blob.set_compressor(reapi::Compressor::BROTLI);
  reapi::BatchUpdateBlobsResponse response;
  const auto status =
      s.server().cas->BatchUpdateBlobs(s.server().new_call().get(), request, &response);
  expect_refused("a batch with a compressor that is not announced",
                 status.ok() ? as_call(response.responses(0).status()) : status);
  expect(!s.has(digest::of(text)), "nothing stored", "the blob is present");
}

void batch_follows_a_stream(subject& s) {
  const auto bytes = s.fresh_bytes(1000);
  const auto id = digest::of(bytes);
  expect_ok("Write", upload_whole(s, id, bytes).status);
  const auto came = s.batch_read({id.to_proto()});
  expect_ok("BatchReadBlobs", came.status);
  expect(came.message.responses(0).data() == bytes, "the bytes of the stream", "others");
}

} // namespace

check_list cas_checks() {
  return {
      {"cas.find_missing_names_exactly_the_missing", "FindMissingBlobs tells the truth.",
       find_missing_names_exactly_the_missing},
      {"cas.find_missing_of_nothing_is_nothing", "An empty question is no error.",
       find_missing_of_nothing_is_nothing},
      {"cas.large_question_is_answered", "Inbound messages may be far larger than 4 MiB.",
       large_question_is_answered},
      {"cas.batch_stores_every_blob", "BatchUpdateBlobs has one status a blob.",
       batch_stores_every_blob},
      {"cas.wrong_hash_fails_alone_and_stores_nothing",
       "A bad blob is INVALID_ARGUMENT and does not fail the others.",
       wrong_hash_fails_alone_and_stores_nothing},
      {"cas.wrong_size_fails_alone_and_stores_nothing",
       "A bad blob is INVALID_ARGUMENT and does not fail the others.",
       wrong_size_fails_alone_and_stores_nothing},
      {"cas.batch_update_above_the_limit_is_refused",
       "A request above the limit is INVALID_ARGUMENT.", batch_update_above_the_limit_is_refused},
      {"cas.full_batch_is_stored_and_read",
       "A batch of exactly max_batch_total_size_bytes is served, below 4 MiB in all.",
       full_batch_is_stored_and_read},
      {"cas.stored_again_is_ok", "Storing a blob that is there is no error.", stored_again_is_ok},
      {"cas.batch_read_gives_every_blob", "BatchReadBlobs has one status a blob.",
       batch_read_gives_every_blob},
      {"cas.absent_blob_fails_alone", "An absent blob is NOT_FOUND and does not fail the others.",
       absent_blob_fails_alone},
      {"cas.batch_read_above_the_limit_is_refused",
       "A request above the limit is INVALID_ARGUMENT.", batch_read_above_the_limit_is_refused},
      {"cas.plain_bytes_are_always_acceptable", "Identity is always accepted.",
       plain_bytes_are_always_acceptable},
      {"cas.compressor_that_is_not_announced_fails",
       "Compressors of batches are announced when they are served, and only then.",
       compressor_that_is_not_announced_fails},
      {"cas.batch_follows_a_stream", "Reads follow writes at once, whichever way they came.",
       batch_follows_a_stream},
  };
}

} // namespace expbuild::conformance
