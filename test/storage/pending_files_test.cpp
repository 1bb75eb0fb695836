#define CAF_SUITE storage.pending_files
#include "storage/backend.hpp"
#include "test/support/folder.hpp"
#include "test/support/forgetful_disk.hpp"

#include <caf/test/unit_test.hpp>

#include <functional>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Does something else while a file is being synced.
class interrupted_disk : public forgetful_disk {
public:
  using forgetful_disk::forgetful_disk;

  std::function<void()> while_syncing;

  int sync(int fd) override {
    const int done = forgetful_disk::sync(fd);
    if (const auto now = std::exchange(while_syncing, nullptr))
      now();
    return done;
  }
};

} // namespace

CAF_TEST(a file that comes while the same blob is being synced is synced before it stays for good) {
  temporary_folder folder;
  const auto root = folder.path() / "store";
  std::filesystem::create_directory(root);
  const auto disk = std::make_shared<interrupted_disk>(root);
  auto store = *make_filesystem_backend(
      {.root = root, .packed_below = 0, .background = false, .calls = disk});
  const auto id = *write_blob(*store, "the same bytes", digest_function::sha256);
  const auto second = *store->begin_write(id);
  CAF_CHECK(second->append("the same bytes").ok());
  disk->while_syncing = [&] { CAF_CHECK(second->commit().ok()); };
  CAF_CHECK(store->flush().ok());
  CAF_CHECK(store->flush().ok());
  disk->cut_at(1);
  store = nullptr;
  for (const auto names : {forgetful_disk::names::kept, forgetful_disk::names::lost}) {
    const auto left = folder.path() / (names == forgetful_disk::names::kept ? "kept" : "lost");
    disk->copy_what_is_left(left, names);
    const auto after = *make_filesystem_backend({.root = left, .background = false});
    CAF_CHECK_EQUAL(read_blob(*after, id, 100).value_or("nothing"), "the same bytes");
  }
}
