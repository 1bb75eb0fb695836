#include "services/main/rectl/conformance/byte_stream.hpp"
#include "services/main/rectl/conformance/requests.hpp"

namespace expbuild::conformance {

namespace {

void is_never_missing(subject& s) {
  const auto came = s.find_missing({digest().to_proto()});
  expect_ok("FindMissingBlobs", came.status);
  expect_equal("missing blobs", came.message.missing_blob_digests_size(), 0);
}

void can_be_read(subject& s) {
  const auto came = read(s, read_name(s, digest()));
  expect_ok("Read of the empty blob", came.status);
  expect_equal("its bytes", came.bytes, "");
}

void can_be_read_in_a_batch(subject& s) {
  expect_ok("BatchReadBlobs of the empty blob",
            ask_batch_read(s, {s.instance(), {}, digest().to_proto()}));
}

void can_be_uploaded_in_a_batch(subject& s) {
  expect_ok("BatchUpdateBlobs of the empty blob",
            ask_batch_update(s, {s.instance(), {}, digest().to_proto()}));
}

void can_be_uploaded_by_stream(subject& s) {
  const auto came = upload_whole(s, digest(), "");
  expect_ok("Write of the empty blob", came.status);
  expect_equal("committed_size", came.message.committed_size(), 0);
}

void is_a_tree(subject& s) {
  expect_ok("GetTree of the empty digest",
            ask_get_tree(s, {s.instance(), {}, digest().to_proto()}));
}

void completes_a_result(subject& s) {
  s.need_cache_updates();
  const auto action = s.store(s.fresh()).to_proto();
  reapi::ActionResult result;
  auto& file = *result.add_output_files();
  file.set_path("empty");
  *file.mutable_digest() = digest().to_proto();
  *result.mutable_stdout_digest() = digest().to_proto();
  expect_ok("UpdateActionResult", s.update_result(action, result).status);
  expect_ok("GetActionResult of a result with an empty file", s.get_result(action).status);
}

constexpr char rule[] = "The empty blob is always present, whether or not anyone uploaded it.";

} // namespace

check_list empty_blob_checks() {
  return {
      {"empty_blob.is_never_missing", rule, is_never_missing},
      {"empty_blob.can_be_read", rule, can_be_read},
      {"empty_blob.can_be_read_in_a_batch", rule, can_be_read_in_a_batch},
      {"empty_blob.can_be_uploaded_in_a_batch", "Siso uploads the empty blob when it starts.",
       can_be_uploaded_in_a_batch},
      {"empty_blob.can_be_uploaded_by_stream", "The empty blob can be uploaded like any other.",
       can_be_uploaded_by_stream},
      {"empty_blob.is_a_tree", "An action without inputs names the empty digest as its root.",
       is_a_tree},
      {"empty_blob.completes_a_result", "A result that names the empty blob is complete.",
       completes_a_result},
  };
}

} // namespace expbuild::conformance
