#define CAF_SUITE storage.slow_disk
#include "storage/backend.hpp"
#include "test/support/folder.hpp"
#include "test/support/slow_disk.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

std::string large(int i) {
  return std::string(5000, 'x') + std::to_string(i);
}

} // namespace

CAF_TEST(writers wait for a slow disk once their bytes have waited too long and readers never do) {
  temporary_folder folder;
  const auto disk = std::make_shared<slow_disk>();
  const auto store =
      *make_filesystem_backend({.root = folder.path() / "s", .packed_below = 1000, .calls = disk});
  disk->hold();
  std::atomic<int> acknowledged{0};
  std::atomic<bool> enough{false};
  std::thread writer([&] {
    for (int i = 0; !enough; ++i)
      if (write_blob(*store, large(i), digest_function::sha256).ok())
        acknowledged = i + 1;
  });
  CAF_CHECK(disk->wait_for_syncs(2)); // the store's, and now the writer's own
  const int count = acknowledged;
  CAF_CHECK(count > 0); // the first ones did not wait
  for (int i = 0; i < count; i += 1 + count / 100) {
    const auto found = read_blob(*store, digest::of(large(i)), 10'000);
    CAF_CHECK(found.ok() && *found == large(i));
  }
  enough = true;
  disk->let_go();
  writer.join();
  CAF_CHECK_EQUAL(acknowledged.load(), count + 1);
  CAF_CHECK(store->flush().ok());
  CAF_CHECK_EQUAL(store->index().stats().blobs, static_cast<std::size_t>(count) + 1);
}
