#define CAF_SUITE services.resource_name
#include "services/resource_name.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

const std::string hash(64, 'a');

resource_name parse(const std::string& text) {
  const auto name = resource_name::parse(text);
  CAF_MESSAGE(text << ": " << std::string(name.status().message()));
  CAF_REQUIRE(name.ok());
  return *name;
}

std::string hash_in(const std::string& text) {
  return parse(text).blob.hash();
}
std::string instance_in(const std::string& text) {
  return parse(text).instance;
}

/// What is wrong with it.
std::string refusal(const std::string& text) {
  const auto name = resource_name::parse(text);
  CAF_REQUIRE(absl::IsInvalidArgument(name.status()));
  return std::string(name.status().message());
}

bool says(const std::string& text, const std::string& what) {
  return refusal(text).find(what) != std::string::npos;
}

} // namespace

CAF_TEST(a read names hash and size) {
  const auto name = parse("blobs/" + hash + "/17");
  CAF_CHECK(name.what == resource_name::kind::read);
  CAF_CHECK_EQUAL(name.instance, "");
  CAF_CHECK_EQUAL(name.blob.hash(), hash);
  CAF_CHECK_EQUAL(name.blob.size_bytes(), 17);
  CAF_CHECK_EQUAL(name.compressor, "");
  CAF_CHECK(name.function == reapi::DigestFunction::UNKNOWN);
}

CAF_TEST(a write has a uuid and may be followed by anything) {
  const auto name = parse("main/uploads/1234-5678/blobs/" + hash + "/17/blobs/x/uploads");
  CAF_CHECK(name.what == resource_name::kind::write);
  CAF_CHECK_EQUAL(name.instance, "main");
  CAF_CHECK_EQUAL(name.upload_id, "1234-5678");
  CAF_CHECK_EQUAL(name.blob.hash(), hash);
  CAF_CHECK_EQUAL(name.blob.size_bytes(), 17);
}

CAF_TEST(an instance may hold slashes) {
  CAF_CHECK_EQUAL(instance_in("a/b/c/blobs/" + hash + "/1"), "a/b/c");
  CAF_CHECK_EQUAL(instance_in("a/b/c/uploads/u/blobs/" + hash + "/1"), "a/b/c");
}

CAF_TEST(the first keyword decides) {
  const auto name = parse("uploads/blobs/blobs/" + hash + "/1");
  CAF_CHECK(name.what == resource_name::kind::write);
  CAF_CHECK_EQUAL(name.upload_id, "blobs");
}

CAF_TEST(one leading slash is an empty instance) {
  CAF_CHECK_EQUAL(instance_in("/blobs/" + hash + "/1"), "");
  CAF_CHECK_EQUAL(instance_in("/uploads/u/blobs/" + hash + "/1"), "");
}

CAF_TEST(the digest function is a segment of its own when there is one) {
  CAF_CHECK(parse("blobs/blake3/" + hash + "/1").function == reapi::DigestFunction::BLAKE3);
  CAF_CHECK(parse("blobs/sha256tree/" + hash + "/1").function == reapi::DigestFunction::SHA256TREE);
  CAF_CHECK_EQUAL(hash_in("blobs/blake3/" + hash + "/1"), hash);
  CAF_CHECK(parse("i/uploads/u/blobs/sha256/" + hash + "/1/x").function
            == reapi::DigestFunction::SHA256);
}

CAF_TEST(a digest function in upper case is none) {
  CAF_CHECK(says("blobs/BLAKE3/" + hash + "/1", "no size"));
}

CAF_TEST(a hash of digits alone is a hash) {
  CAF_CHECK_EQUAL(hash_in("blobs/" + std::string(64, '1') + "/1"), std::string(64, '1'));
}

CAF_TEST(compressed blobs name their compressor) {
  const auto read = parse("main/compressed-blobs/zstd/" + hash + "/17");
  CAF_CHECK_EQUAL(read.compressor, "zstd");
  CAF_CHECK_EQUAL(read.blob.size_bytes(), 17);
  const auto write = parse("uploads/u/compressed-blobs/deflate/blake3/" + hash + "/17/name");
  CAF_CHECK_EQUAL(write.compressor, "deflate");
  CAF_CHECK(write.function == reapi::DigestFunction::BLAKE3);
}

CAF_TEST(sizes are plain decimal numbers) {
  CAF_CHECK_EQUAL(parse("blobs/" + hash + "/0").blob.size_bytes(), 0);
  CAF_CHECK_EQUAL(parse("blobs/" + hash + "/9223372036854775807").blob.size_bytes(),
                  std::numeric_limits<std::int64_t>::max());
  for (const auto* size : {"", "-1", "+1", " 1", "1 ", "0x10", "ten", "9223372036854775808"})
    CAF_CHECK(says("blobs/" + hash + "/" + size, "no size"));
}

CAF_TEST(what is incomplete is refused in words) {
  CAF_CHECK(says("", "neither 'blobs' nor 'uploads'"));
  CAF_CHECK(says("main", "neither 'blobs' nor 'uploads'"));
  CAF_CHECK(says("blobs", "no hash"));
  CAF_CHECK(says("blobs//1", "no hash"));
  CAF_CHECK(says("blobs/" + hash, "no size"));
  CAF_CHECK(says("blobs/blake3", "no hash"));
  CAF_CHECK(says("uploads", "no UUID"));
  CAF_CHECK(says("uploads//blobs/" + hash + "/1", "no UUID"));
  CAF_CHECK(says("uploads/u", "'' where 'blobs' should be"));
  CAF_CHECK(says("uploads/u/" + hash + "/1", "where 'blobs' should be"));
  CAF_CHECK(says("compressed-blobs", "no compressor"));
  CAF_CHECK(says("compressed-blobs/zstd", "no hash"));
}

CAF_TEST(what follows the size of a read is refused) {
  CAF_CHECK(says("blobs/" + hash + "/1/x", "something follows"));
  CAF_CHECK(says("blobs/" + hash + "/1/", "something follows"));
}

CAF_TEST(an instance has no empty segment and no keyword) {
  CAF_CHECK(says("a//blobs/" + hash + "/1", "empty segment"));
  CAF_CHECK(says("//blobs/" + hash + "/1", "empty segment"));
  for (const auto* word : {"actions", "actionResults", "operations", "capabilities"})
    CAF_CHECK(says(std::string(word) + "/blobs/" + hash + "/1", "where 'blobs' should be"));
}

CAF_TEST(a refusal shows the forms that are accepted) {
  CAF_CHECK(says("nonsense", "[INSTANCE/]uploads/UUID/blobs/[FUNCTION/]HASH/SIZE"));
}

CAF_TEST(a name has at most 4 KiB with all that follows the size) {
  const auto name = "uploads/u/blobs/" + hash + "/1/";
  CAF_CHECK_EQUAL(parse(name + std::string(4096 - name.size(), 'x')).upload_id, "u");
  CAF_CHECK(says(name + std::string(4097 - name.size(), 'x'), "4097 bytes, and may have 4096"));
  CAF_CHECK(says(std::string(5000, 'a'), "may have 4096"));
}

CAF_TEST(a very long name is cut in the refusal) {
  CAF_CHECK(refusal(std::string(100'000, 'x')).size() < 1000);
}
