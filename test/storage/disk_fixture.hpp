#pragma once
#include "storage/backend.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>
#include <string>

namespace expbuild::test {

/// Two stores on a disk: all blobs in files of their own, and small ones packed.
struct disk_fixture {
  temporary_folder folder;
  std::shared_ptr<backend> files = *make_filesystem_backend(
      {.root = folder.path() / "store", .level = durability::strict, .packed_below = 0});
  std::shared_ptr<backend> packed = *make_filesystem_backend({.root = folder.path() / "packed"});

  /// Where `files` keeps a blob.
  std::filesystem::path file_of(const digest& id) const {
    return folder.path() / "store/blobs/SHA256" / id.hash().substr(0, 2)
           / (id.hash() + "-" + std::to_string(id.size_bytes()));
  }
};

inline std::size_t blobs_in(backend& store) {
  std::size_t count = 0;
  CAF_CHECK(store.for_each([&count](const digest&) { ++count; }).ok());
  return count;
}

} // namespace expbuild::test
