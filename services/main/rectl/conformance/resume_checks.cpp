#include "services/main/rectl/conformance/byte_stream.hpp"

namespace expbuild::conformance {

namespace {

void unknown_upload_has_committed_nothing(subject& s) {
  const auto came = query(s, upload_name(s, absent_digest(s)));
  expect_ok("QueryWriteStatus of an unknown upload", came.status);
  expect_equal("committed_size", came.message.committed_size(), 0);
  expect_equal("complete", came.message.complete(), false);
}

void present_blob_is_complete(subject& s) {
  const auto id = s.store(s.fresh());
  const auto came = query(s, upload_name(s, id));
  expect_ok("QueryWriteStatus of a blob that is there", came.status);
  expect_equal("committed_size", came.message.committed_size(), id.size_bytes());
  expect_equal("complete", came.message.complete(), true);
}

void read_name_is_refused(subject& s) {
  expect_refused("QueryWriteStatus of a name to read",
                 query(s, read_name(s, absent_digest(s))).status);
}

struct interrupted {
  explicit interrupted(subject& s)
      : bytes(s.fresh_bytes(3 << 20)), id(digest::of(bytes)), name(upload_name(s, id)) {}
  std::string bytes;
  digest id;
  std::string name;
};

/// Goes on where the server says that it stands, to the end.
void resume(subject& s, const interrupted& x, std::int64_t committed) {
  upload again(s);
  again.send(x.name, committed, x.bytes.substr(static_cast<std::size_t>(committed)), true);
  const auto came = again.finish();
  expect_ok("going on at committed_size " + std::to_string(committed), came.status);
  expect_equal("committed_size", came.message.committed_size(), x.id.size_bytes());
  expect(s.load(x.id) == x.bytes, "the bytes that were sent", "others");
}

std::int64_t committed_of(subject& s, const interrupted& x, std::int64_t sent) {
  const auto state = query(s, x.name);
  expect_ok("QueryWriteStatus of an interrupted upload", state.status);
  const auto committed = state.message.committed_size();
  expect(committed >= 0 && committed <= sent && !state.message.complete(),
         "an incomplete upload of at most " + std::to_string(sent) + " bytes",
         std::to_string(committed) + " bytes, complete " + show(state.message.complete()));
  return committed;
}

void ended_stream_resumes_at_its_committed_size(subject& s) {
  const interrupted x(s);
  upload first(s);
  first.send(x.name, 0, x.bytes.substr(0, 1 << 20));
  const auto came = first.finish();
  expect_ok("a stream that ends without finish_write", came.status);
  const auto committed = committed_of(s, x, 1 << 20);
  expect_equal("committed_size of QueryWriteStatus, as WriteResponse has it", committed,
               came.message.committed_size());
  resume(s, x, committed);
}

void vanished_client_resumes_at_its_committed_size(subject& s) {
  const interrupted x(s);
  upload first(s);
  first.send(x.name, 0, x.bytes.substr(0, 1 << 20));
  first.send("", 1 << 20, x.bytes.substr(1 << 20, 1 << 20));
  first.abandon();
  resume(s, x, committed_of(s, x, 2 << 20));
}

} // namespace

check_list resume_checks() {
  return {
      {"resume.unknown_upload_has_committed_nothing",
       "QueryWriteStatus of an unknown upload says 0 and not complete: Bazel fails on NOT_FOUND.",
       unknown_upload_has_committed_nothing},
      {"resume.present_blob_is_complete",
       "QueryWriteStatus of a blob that is there says its size and complete.",
       present_blob_is_complete},
      {"resume.read_name_is_refused", "QueryWriteStatus asks about uploads.", read_name_is_refused},
      {"resume.ended_stream_resumes_at_its_committed_size",
       "An interrupted upload resumes at committed_size.",
       ended_stream_resumes_at_its_committed_size},
      {"resume.vanished_client_resumes_at_its_committed_size",
       "An interrupted upload resumes at committed_size.",
       vanished_client_resumes_at_its_committed_size},
  };
}

} // namespace expbuild::conformance
