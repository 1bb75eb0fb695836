#define CAF_SUITE storage.digest
#include "storage/digest.hpp"
#include "storage/hasher.hpp"
#include "storage/missing.hpp"
#include "storage/utf8.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

const std::string empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

} // namespace

CAF_TEST(a default digest is the empty blob) {
  CAF_CHECK_EQUAL(digest().hash(), empty_sha256);
  CAF_CHECK(digest().is_empty_blob());
}

CAF_TEST(size zero with another hash is no empty blob) {
  const auto odd = *digest::parse(digest::of("abc").hash(), 0, digest_function::sha256);
  CAF_CHECK(!odd.is_empty_blob());
  CAF_CHECK(digest::empty_blob(digest_function::sha1).is_empty_blob());
}

CAF_TEST(known answers of every function) {
  CAF_CHECK_EQUAL(digest::of("abc").hash(),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CAF_CHECK_EQUAL(digest::of("abc", digest_function::sha1).hash(),
                  "a9993e364706816aba3e25717850c26c9cd0d89d");
  CAF_CHECK_EQUAL(digest::of("abc", digest_function::md5).hash(),
                  "900150983cd24fb0d6963f7d28e17f72");
  CAF_CHECK_EQUAL(digest::of("abc", digest_function::sha384).hash().size(), 96u);
  CAF_CHECK_EQUAL(digest::of("abc", digest_function::sha512).hash().size(), 128u);
}

CAF_TEST(BLAKE3 gives the answers of its published vectors where it is built in) {
  if (!is_built_in(digest_function::blake3)) {
    CAF_MESSAGE("skipped: built without BLAKE3");
    return;
  }
  std::string bytes; // the vectors hash these bytes
  for (int i = 0; i < 102400; ++i)
    bytes += static_cast<char>(i % 251);
  const auto hash_of = [&](std::size_t size) {
    return digest::of(std::string_view(bytes).substr(0, size), digest_function::blake3).hash();
  };
  CAF_CHECK_EQUAL(hash_of(0), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  CAF_CHECK_EQUAL(hash_of(1), "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213");
  CAF_CHECK_EQUAL(hash_of(1024),
                  "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7");
  CAF_CHECK_EQUAL(hash_of(102400),
                  "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085");
  CAF_CHECK(digest::empty_blob(digest_function::blake3).is_empty_blob());
  hasher h(digest_function::blake3);
  h.update(std::string_view(bytes).substr(0, 1000));
  h.update(std::string_view(bytes).substr(1000, 24));
  CAF_CHECK_EQUAL(h.finish().hash(), hash_of(1024));
  CAF_CHECK_EQUAL(h.finish().hash(), hash_of(0));
}

CAF_TEST(a function that is not built in has no blob) {
  hasher h(digest_function::blake3);
  h.update("abc");
  const auto id = h.finish();
  CAF_CHECK_EQUAL(id.size_bytes(), 3);
  CAF_CHECK_EQUAL(id.hash() == std::string(64, '0'), !is_built_in(digest_function::blake3));
  for (const auto other : {digest_function::sha256, digest_function::sha1, digest_function::md5})
    CAF_CHECK(is_built_in(other));
}

CAF_TEST(BLAKE3 is named in resources and never inferred) {
  const auto id = *digest::parse(empty_sha256, 7, digest_function::blake3);
  CAF_CHECK_EQUAL(id.to_resource(), "blobs/blake3/" + empty_sha256 + "/7");
  CAF_CHECK(function_of_length(64) == digest_function::sha256);
  CAF_CHECK(function_of_length(32) == digest_function::md5);
  CAF_CHECK(!function_of_length(63));
  CAF_CHECK(!(id == *digest::parse(empty_sha256, 7, digest_function::sha256)));
}

CAF_TEST(missing blobs of every function come back as they were told) {
  std::vector<digest> ids{digest::of("a"),
                          *digest::parse(empty_sha256, 7, digest_function::blake3)};
  for (const auto function : {digest_function::sha1, digest_function::md5, digest_function::sha384,
                              digest_function::sha512})
    ids.push_back(digest::of("b", function));
  CAF_CHECK(missing_digests_of(missing_blobs_error("cannot", ids)) == ids);
}

CAF_TEST(pieces hash like the whole and a hasher can be used again) {
  hasher h(digest_function::sha256);
  h.update("hello ");
  h.update("world");
  CAF_CHECK(h.finish() == digest::of("hello world"));
  h.update("abc");
  CAF_CHECK(h.finish() == digest::of("abc"));
}

CAF_TEST(malformed digests are refused in words) {
  const auto refused = [](const std::string& hash, std::int64_t size) {
    const auto x = digest::parse(hash, size, digest_function::sha256);
    return absl::IsInvalidArgument(x.status()) && !x.status().message().empty();
  };
  CAF_CHECK(refused("", 0));
  CAF_CHECK(refused("abc", 3));
  CAF_CHECK(refused(empty_sha256.substr(1), 0));
  CAF_CHECK(refused("E" + empty_sha256.substr(1), 0));
  CAF_CHECK(refused("../../../../etc/passwd" + empty_sha256.substr(22), 0));
  CAF_CHECK(refused(empty_sha256, -1));
  CAF_CHECK(!refused(empty_sha256, digest::max_size_bytes));
  CAF_CHECK(refused(empty_sha256, digest::max_size_bytes + 1));
}

CAF_TEST(hash and size and function make a digest) {
  const auto a = digest::of("a");
  CAF_CHECK(a == *digest::parse(a.hash(), 1, digest_function::sha256));
  CAF_CHECK(!(a == *digest::parse(a.hash(), 2, digest_function::sha256)));
  CAF_CHECK_EQUAL(a.to_resource(), "blobs/" + a.hash() + "/1");
}

CAF_TEST(function names are known in both cases and unknown ones list the known) {
  CAF_CHECK(*parse_digest_function("sha256") == digest_function::sha256);
  CAF_CHECK(*parse_digest_function("SHA512") == digest_function::sha512);
  const auto unknown = parse_digest_function("BLAKE9");
  CAF_CHECK(absl::IsNotFound(unknown.status()));
  CAF_CHECK(std::string(unknown.status().message()).find("SHA256") != std::string::npos);
}

CAF_TEST(all missing blobs travel in one status) {
  const auto status = missing_blobs_error("cannot", {digest::of("a"), digest::of("b")});
  CAF_CHECK(absl::IsFailedPrecondition(status));
  CAF_CHECK_EQUAL(missing_blobs_of(status).size(), 2u);
  CAF_CHECK(missing_blobs_of(absl::OkStatus()).empty());
}

CAF_TEST(only well formed UTF - 8 counts) {
  CAF_CHECK(is_utf8("plain"));
  CAF_CHECK(is_utf8("gr\xc3\xbc\xc3\x9f"));
  CAF_CHECK(is_utf8("\xf0\x9f\x98\x80"));
  CAF_CHECK(!is_utf8("\xff"));
  CAF_CHECK(!is_utf8("\xc3"));
  CAF_CHECK(!is_utf8("\xc0\xaf"));         // overlong
  CAF_CHECK(!is_utf8("\xed\xa0\x80"));     // surrogate
  CAF_CHECK(!is_utf8("\xf5\x80\x80\x80")); // above U+10FFFF
}
