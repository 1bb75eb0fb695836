#define CAF_SUITE storage.disk_faults
#include "test/storage/store_history.hpp"
#include "test/support/folder.hpp"
#include "test/support/forgetful_disk.hpp"

#include <utility>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Durability, and whether large blobs are compressed.
constexpr std::pair<durability, bool> kinds[] = {
    {durability::strict, false},
    {durability::grouped, false},
    {durability::none, false},
    {durability::grouped, true},
};

constexpr int errors[] = {ENOSPC, EIO, EMFILE, EROFS, EDQUOT, ENOMEM};

} // namespace

CAF_TEST(whatever call fails - a blob that was acknowledged is there and no blob is wrong) {
  for (const auto& [level, compresses] : kinds)
    for (const int error : {ENOSPC, EIO, EMFILE})
      for (std::uint64_t call = 1; !compresses || error == EIO; ++call) {
        temporary_folder folder;
        const auto disk = std::make_shared<failing_disk>();
        history told;
        {
          const auto store =
              *make_filesystem_backend(options_for(folder.path() / "s", disk, level, compresses));
          disk->fail(call, error);
          live(*store, told);
          const bool over = !disk->has_failed();
          disk->fail(0, 0);
          for (const auto& bytes : told.acknowledged)
            if (const auto found = whole(*store, bytes); found != bytes) {
              // grouped: what can not be synced is given up, and said to be gone
              CAF_CHECK(level == durability::grouped && found.find("NOT_FOUND") == 0);
            }
          check_everything(*store);
          told.write(*store, "it goes on");
          CAF_CHECK_EQUAL(whole(*store, "it goes on"), "it goes on");
          if (over)
            break;
        }
        const auto again =
            *make_filesystem_backend(options_for(folder.path() / "s", quick_disk(), level));
        check_everything(*again);
        CAF_CHECK_EQUAL(count_files(folder.path() / "s/tmp"), 0u);
      }
}

CAF_TEST(a disk that fails for ever is told to clients and nothing is acknowledged) {
  for (const int error : errors) {
    temporary_folder folder;
    const auto disk = std::make_shared<failing_disk>();
    const auto store =
        *make_filesystem_backend(options_for(folder.path() / "s", disk, durability::strict));
    history told;
    told.write(*store, small(1));
    disk->fail(1, error, true);
    live(*store, told);
    told.acknowledged.erase(small(1)); // the one from before
    CAF_CHECK(told.acknowledged.empty());
    disk->fail(0, 0);
    CAF_CHECK_EQUAL(whole(*store, small(1)), small(1));
  }
}

CAF_TEST(a power cut at any moment takes nothing that was promised to survive it) {
  std::uint64_t cuts = 0;
  for (const auto& [level, compresses] : kinds)
    for (std::uint64_t change = 1; level != durability::none; ++change) {
      temporary_folder folder;
      const auto root = folder.path() / "s";
      std::filesystem::create_directory(root);
      const auto disk = std::make_shared<forgetful_disk>(root);
      history told;
      {
        const auto store = *make_filesystem_backend(options_for(root, disk, level, compresses));
        disk->cut_at(change);
        live(*store, told);
      }
      if (!disk->is_off())
        break;
      ++cuts;
      const auto& safe = level == durability::strict ? told.acknowledged : told.flushed;
      for (const auto what : {forgetful_disk::names::lost, forgetful_disk::names::kept}) {
        const auto left = folder.path() / (what == forgetful_disk::names::lost ? "lost" : "kept");
        disk->copy_what_is_left(left, what);
        const auto store = *make_filesystem_backend(options_for(left, quick_disk(), level));
        for (const auto& bytes : safe)
          CAF_CHECK_EQUAL(whole(*store, bytes), bytes);
        check_everything(*store);
      }
    }
  CAF_CHECK(cuts > 50);
}

CAF_TEST(a power cut while the store recovers from one takes nothing either) {
  temporary_folder folder;
  const auto root = folder.path() / "s";
  history told;
  {
    const auto store =
        *make_filesystem_backend(options_for(root, quick_disk(), durability::grouped, true));
    live(*store, told);
    told.write(*store, large(7)); // pending
  }
  for (std::uint64_t change = 1;; ++change) {
    const auto copy = folder.path() / ("copy-" + std::to_string(change));
    std::filesystem::copy(root, copy, std::filesystem::copy_options::recursive);
    const auto disk = std::make_shared<forgetful_disk>(copy);
    disk->cut_at(change);
    {
      const auto store = make_filesystem_backend(options_for(copy, disk, durability::grouped));
      if (store.ok())
        (*store)->flush().IgnoreError(); // it may fail here
    }
    const bool over = !disk->is_off();
    const auto left = folder.path() / ("left-" + std::to_string(change));
    disk->copy_what_is_left(left, forgetful_disk::names::lost);
    const auto store =
        *make_filesystem_backend(options_for(left, quick_disk(), durability::grouped));
    for (const auto& bytes : told.acknowledged)
      CAF_CHECK_EQUAL(whole(*store, bytes), bytes);
    if (over)
      break;
  }
}
