#include "services/main/rectl/conformance/subject.hpp"

#include "storage/chunker.hpp"

/// SplitBlob and SpliceBlob. Each rule holds where its rpc is announced.

namespace expbuild::conformance {

namespace {

using reapi::ChunkingFunction;

void need_splitting(const subject& s) {
  if (!s.capabilities().cache_capabilities().split_blob_support())
    throw not_offered("split_blob_support is not announced");
}

void need_splicing(const subject& s) {
  if (!s.capabilities().cache_capabilities().splice_blob_support())
    throw not_offered("splice_blob_support is not announced");
}

answer<reapi::SplitBlobResponse> split(subject& s, const digest& id,
                                       ChunkingFunction::Value wanted = ChunkingFunction::UNKNOWN) {
  reapi::SplitBlobRequest request;
  request.set_instance_name(s.instance());
  *request.mutable_blob_digest() = id.to_proto();
  request.set_chunking_function(wanted);
  answer<reapi::SplitBlobResponse> came;
  came.status = s.server().cas->SplitBlob(s.server().new_call().get(), request, &came.message);
  return came;
}

grpc::Status splice(subject& s, const digest& id, const std::vector<digest>& chunks,
                    ChunkingFunction::Value function = ChunkingFunction::UNKNOWN) {
  reapi::SpliceBlobRequest request;
  request.set_instance_name(s.instance());
  *request.mutable_blob_digest() = id.to_proto();
  for (const auto& chunk : chunks)
    *request.add_chunk_digests() = chunk.to_proto();
  request.set_chunking_function(function);
  reapi::SpliceBlobResponse response;
  const auto status = s.server().cas->SpliceBlob(s.server().new_call().get(), request, &response);
  if (status.ok())
    expect_equal("blob_digest of the answer", response.blob_digest().hash(), id.hash());
  return status;
}

void what_is_not_announced_is_unimplemented(subject& s) {
  const auto id = s.store(s.fresh());
  const auto& offered = s.capabilities().cache_capabilities();
  if (!offered.split_blob_support())
    expect_code("SplitBlob without split_blob_support", split(s, id).status,
                grpc::StatusCode::UNIMPLEMENTED);
  if (!offered.splice_blob_support())
    expect_code("SpliceBlob without splice_blob_support", splice(s, id, {id}),
                grpc::StatusCode::UNIMPLEMENTED);
}

void parameters_are_in_range(subject& s) {
  const auto& offered = s.capabilities().cache_capabilities();
  if (offered.has_fast_cdc_2020_params()) {
    const auto average = offered.fast_cdc_2020_params().avg_chunk_size_bytes();
    expect(average >= 1 << 10 && average <= 1 << 20, "avg_chunk_size_bytes from 1 KiB to 1 MiB",
           std::to_string(average));
  }
  if (offered.has_rep_max_cdc_params())
    expect(offered.rep_max_cdc_params().min_chunk_size_bytes() >= 64,
           "min_chunk_size_bytes of at least 64",
           std::to_string(offered.rep_max_cdc_params().min_chunk_size_bytes()));
}

void chunks_make_the_blob_again(subject& s) {
  need_splitting(s);
  const auto bytes = s.fresh_bytes(3 << 20);
  const auto came = split(s, s.store(bytes));
  expect_ok("SplitBlob", came.status);
  std::string all;
  for (const auto& chunk : came.message.chunk_digests())
    all += s.load(chunk);
  expect(all == bytes, "the bytes of the blob from its chunks", "others");
}

void an_absent_blob_can_not_be_split(subject& s) {
  need_splitting(s);
  expect_code("SplitBlob of an absent blob", split(s, absent_digest(s)).status,
              grpc::StatusCode::NOT_FOUND);
}

/// Where a chunker with the announced parameters cuts.
std::vector<std::int64_t> ends_of(subject& s, ChunkingFunction::Value function,
                                  const std::string& bytes) {
  const auto& offered = s.capabilities().cache_capabilities();
  const auto& fast = offered.fast_cdc_2020_params();
  const auto& rep_max = offered.rep_max_cdc_params();
  const auto made =
      function == ChunkingFunction::FAST_CDC_2020
          ? make_fast_cdc_2020(
              {.average_bytes = static_cast<std::int64_t>(fast.avg_chunk_size_bytes()),
               .seed = fast.seed()})
          : make_rep_max_cdc(
              {.min_bytes = static_cast<std::int64_t>(rep_max.min_chunk_size_bytes()),
               .horizon_bytes = static_cast<std::int64_t>(rep_max.horizon_size_bytes())});
  if (!made.ok())
    throw not_offered(std::string(made.status().message()));
  std::vector<std::int64_t> ends;
  (*made)->feed(bytes, ends);
  (*made)->finish(ends);
  return ends;
}

void expect_cuts(subject& s, ChunkingFunction::Value function) {
  need_splitting(s);
  const auto bytes = s.fresh_bytes(6 << 20);
  const auto came = split(s, s.store(bytes), function);
  expect_ok("SplitBlob", came.status);
  if (came.message.chunking_function() != function)
    throw not_offered("the server preferred another function");
  std::vector<std::int64_t> ends;
  for (const auto& chunk : came.message.chunk_digests())
    ends.push_back((ends.empty() ? 0 : ends.back()) + chunk.size_bytes());
  const auto wanted = ends_of(s, function, bytes);
  expect(ends == wanted, std::to_string(wanted.size()) + " chunks, cut where the function says",
         std::to_string(ends.size()) + " chunks, cut elsewhere");
}

void fast_cdc_cuts_where_it_must(subject& s) {
  if (!s.capabilities().cache_capabilities().has_fast_cdc_2020_params())
    throw not_offered("fast_cdc_2020_params are not announced");
  expect_cuts(s, ChunkingFunction::FAST_CDC_2020);
}

void rep_max_cdc_cuts_where_it_must(subject& s) {
  if (!s.capabilities().cache_capabilities().has_rep_max_cdc_params())
    throw not_offered("rep_max_cdc_params are not announced");
  expect_cuts(s, ChunkingFunction::REP_MAX_CDC);
}

void a_spliced_blob_can_be_read(subject& s) {
  need_splicing(s);
  const auto a = s.fresh();
  const auto b = s.fresh();
  const auto whole = digest::of(a + b + a);
  const auto first = s.store(a);
  expect_ok("SpliceBlob", splice(s, whole, {first, s.store(b), first}));
  expect(s.load(whole) == a + b + a, "the bytes of the chunks, in order", "others");
}

void a_wrong_splice_stores_nothing(subject& s) {
  need_splicing(s);
  const auto a = s.fresh();
  const auto b = s.fresh();
  const auto whole = digest::of(a + b);
  expect_code("SpliceBlob of the chunks in another order",
              splice(s, whole, {s.store(b), s.store(a)}), grpc::StatusCode::INVALID_ARGUMENT);
  expect(!s.has(whole), "nothing stored", "the blob is present");
}

void an_absent_chunk_can_not_be_spliced(subject& s) {
  need_splicing(s);
  const auto a = s.fresh();
  const auto b = s.fresh();
  const auto whole = digest::of(a + b);
  expect_code("SpliceBlob with an absent chunk", splice(s, whole, {s.store(a), digest::of(b)}),
              grpc::StatusCode::NOT_FOUND);
  expect(!s.has(whole), "nothing stored", "the blob is present");
}

} // namespace

check_list chunking_checks() {
  return {
      {"chunking.what_is_not_announced_is_unimplemented", "What is not announced is UNIMPLEMENTED.",
       what_is_not_announced_is_unimplemented},
      {"chunking.parameters_are_in_range", "Clients ignore parameters that are out of range.",
       parameters_are_in_range},
      {"chunking.chunks_make_the_blob_again",
       "UNKNOWN is always accepted; the chunks are stored and make the blob.",
       chunks_make_the_blob_again},
      {"chunking.an_absent_blob_can_not_be_split", "SplitBlob of an absent blob is NOT_FOUND.",
       an_absent_blob_can_not_be_split},
      {"chunking.fast_cdc_cuts_where_it_must",
       "FAST_CDC_2020 with the announced parameters cuts where every client does.",
       fast_cdc_cuts_where_it_must},
      {"chunking.rep_max_cdc_cuts_where_it_must",
       "REP_MAX_CDC with the announced parameters cuts where every client does.",
       rep_max_cdc_cuts_where_it_must},
      {"chunking.a_spliced_blob_can_be_read", "SpliceBlob stores what its chunks make.",
       a_spliced_blob_can_be_read},
      {"chunking.a_wrong_splice_stores_nothing",
       "The digest of a spliced blob is verified before it is stored.",
       a_wrong_splice_stores_nothing},
      {"chunking.an_absent_chunk_can_not_be_spliced",
       "SpliceBlob with an absent chunk is NOT_FOUND.", an_absent_chunk_can_not_be_spliced},
  };
}

} // namespace expbuild::conformance
