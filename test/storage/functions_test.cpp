#define CAF_SUITE storage.functions
#include "storage/backend.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <set>

/// Blobs of several digest functions in one store.

using namespace expbuild;
using namespace expbuild::test;

namespace {

std::vector<digest_function> computable() {
  std::vector<digest_function> all{digest_function::sha256, digest_function::sha1,
                                   digest_function::md5, digest_function::sha384,
                                   digest_function::sha512};
  if (is_built_in(digest_function::blake3))
    all.push_back(digest_function::blake3);
  return all;
}

std::set<digest> all_of(backend& store) {
  std::set<digest> all;
  CAF_CHECK(store.for_each([&](const digest& id) { all.insert(id); }).ok());
  return all;
}

void check(backend& store) {
  std::set<digest> ids;
  for (const auto function : computable())
    ids.insert(*write_blob(store, "hello", function));
  CAF_CHECK_EQUAL(ids.size(), computable().size());
  CAF_CHECK(all_of(store) == ids);
  for (const auto& id : ids)
    CAF_CHECK(read_blob(store, id, 100).value() == "hello");
  const auto sha1 = digest::of("hello", digest_function::sha1);
  CAF_CHECK(store.remove(sha1).ok());
  ids.erase(sha1);
  CAF_CHECK(all_of(store) == ids);
  // The same hash under another function's name is another blob.
  const auto sha256 = digest::of("hello");
  CAF_CHECK(absl::IsNotFound(
      store.open(*digest::parse(sha256.hash(), 5, digest_function::blake3)).status()));
}

} // namespace

CAF_TEST(blobs of several functions lie beside each other on a disk) {
  const temporary_folder root;
  check(**make_filesystem_backend({.root = root.path()}));
}

CAF_TEST(blobs of several functions lie beside each other in memory) {
  check(*make_memory_backend());
}

CAF_TEST(a blob of another hash than its digest says is refused whatever the function) {
  const auto store = make_memory_backend();
  for (const auto function : computable()) {
    auto writer = *store->begin_write(digest::of("hello", function));
    CAF_CHECK(writer->append("jello").ok());
    CAF_CHECK(absl::IsInvalidArgument(writer->commit()));
  }
  CAF_CHECK(all_of(*store).empty());
}
