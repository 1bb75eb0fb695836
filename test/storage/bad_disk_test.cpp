#define CAF_SUITE storage.bad_disks
#include "storage/result_store.hpp"
#include "test/storage/store_history.hpp"
#include "test/support/folder.hpp"
#include "test/support/reluctant_disk.hpp"
#include "test/support/reordering_disk.hpp"

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr std::uint32_t seeds = 2;

struct cut_store {
  history told;
  bool was_cut = false;
};

/// A store lives until the power goes at that change. What is left lies in `folder`/left-SEED.
cut_store cut_at(std::uint64_t change, durability level, const std::filesystem::path& folder) {
  const auto root = folder / "s";
  std::filesystem::create_directory(root);
  const auto disk = std::make_shared<reordering_disk>(root);
  cut_store x;
  {
    const auto store = *make_filesystem_backend(options_for(root, disk, level));
    disk->cut_at(change);
    live(*store, x.told);
  }
  x.was_cut = disk->is_off();
  for (std::uint32_t seed = 0; seed < seeds; ++seed)
    disk->copy_some_of_it(folder / ("left-" + std::to_string(seed)), change * seeds + seed);
  return x;
}

/// A store that the disk has lied to comes back: each of these is whole, or missing from then on.
void check_nothing_is_wrong(const std::filesystem::path& root, const std::set<std::string>& all,
                            durability level, std::size_t& lost) {
  const auto store = *make_filesystem_backend(options_for(root, quick_disk(), level));
  for (const auto& bytes : all)
    if (const auto found = whole(*store, bytes); found != bytes) {
      ++lost;
      CAF_CHECK_EQUAL(found.find("NOT_FOUND"), 0u);
      CAF_CHECK(!store->contains(digest::of(bytes)));
      CAF_CHECK(write_blob(*store, bytes, digest_function::sha256).ok());
      CAF_CHECK_EQUAL(whole(*store, bytes), bytes);
    }
}

reapi::ActionResult result_of(int i) {
  reapi::ActionResult result;
  result.set_stdout_raw("said by action " + std::to_string(i));
  return result;
}

digest action(int i) {
  return digest::of("action " + std::to_string(i));
}

} // namespace

CAF_TEST(a disk that writes in any order between two flushes takes nothing that was promised) {
  std::uint64_t cuts = 0;
  for (const auto level : {durability::strict, durability::grouped})
    for (std::uint64_t change = 1;; ++change) {
      temporary_folder folder;
      const auto x = cut_at(change, level, folder.path());
      if (!x.was_cut)
        break;
      ++cuts;
      const auto& safe = level == durability::strict ? x.told.acknowledged : x.told.flushed;
      for (std::uint32_t seed = 0; seed < seeds; ++seed) {
        const auto left = folder.path() / ("left-" + std::to_string(seed));
        const auto store = *make_filesystem_backend(options_for(left, quick_disk(), level));
        for (const auto& bytes : safe)
          CAF_CHECK_EQUAL(whole(*store, bytes), bytes);
        check_everything(*store);
      }
    }
  CAF_CHECK(cuts > 50);
}

CAF_TEST(a disk that says it has flushed and has not costs blobs but never makes one wrong) {
  std::size_t lost = 0;
  for (const auto level : {durability::strict, durability::grouped, durability::none})
    for (std::uint32_t seed = 0; seed < 12; ++seed) {
      temporary_folder folder;
      const auto root = folder.path() / "s";
      std::filesystem::create_directory(root);
      const auto disk = std::make_shared<reordering_disk>(root);
      history told;
      {
        const auto store = *make_filesystem_backend(options_for(root, disk, level));
        told.write(*store, small(100));
        told.write(*store, large(100));
        told.flush(*store);
        disk->lie();
        live(*store, told);
      }
      disk->copy_some_of_it(folder.path() / "left", seed);
      check_nothing_is_wrong(folder.path() / "left", told.acknowledged, level, lost);
    }
  CAF_CHECK(lost > 30);
}

CAF_TEST(a disk that says it has flushed and has not never makes a result wrong) {
  std::size_t lost = 0;
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    temporary_folder folder;
    const auto root = folder.path() / "s";
    std::filesystem::create_directory(root);
    const auto disk = std::make_shared<reordering_disk>(root);
    filesystem_result_store_options options{.root = root, .background = false, .calls = disk};
    {
      const auto store = *make_filesystem_result_store(options);
      disk->lie();
      for (int i = 0; i < 20; ++i)
        CAF_CHECK(store->put(action(i), result_of(i), {}).ok());
      CAF_CHECK(store->flush().ok());
    }
    options.root = folder.path() / "left";
    options.calls = quick_disk();
    disk->copy_some_of_it(options.root, seed);
    const auto store = *make_filesystem_result_store(options);
    for (int i = 0; i < 20; ++i)
      if (const auto found = store->get(action(i)); found.ok()) {
        CAF_CHECK(found->result.SerializeAsString() == result_of(i).SerializeAsString());
      } else {
        ++lost;
        CAF_CHECK(absl::IsNotFound(found.status()));
      }
  }
  CAF_CHECK(lost > 100);
}

CAF_TEST(a disk that is interrupted and reads and writes a few bytes at a time loses nothing) {
  for (const auto level : {durability::strict, durability::grouped, durability::none}) {
    temporary_folder folder;
    const auto disk = std::make_shared<reluctant_disk>();
    history told;
    for (int life = 0; life < 2; ++life) {
      const auto store = *make_filesystem_backend(options_for(folder.path() / "s", disk, level));
      live(*store, told);
      for (const auto& bytes : told.acknowledged)
        CAF_CHECK_EQUAL(whole(*store, bytes), bytes);
      check_everything(*store);
    }
    CAF_CHECK_EQUAL(told.acknowledged.size(), 7u);
  }
}

CAF_TEST(a call that would have to wait fails that request alone and says to try again) {
  for (std::uint64_t call = 1;; ++call) {
    temporary_folder folder;
    const auto disk = std::make_shared<failing_disk>();
    const auto store =
        *make_filesystem_backend(options_for(folder.path() / "s", disk, durability::strict));
    CAF_CHECK(write_blob(*store, large(1), digest_function::sha256).ok());
    disk->fail(call, EAGAIN);
    const auto written = write_blob(*store, large(2), digest_function::sha256);
    const auto read = read_blob(*store, digest::of(large(1)), 10'000);
    const bool over = !disk->has_failed();
    disk->fail(0, 0);
    CAF_CHECK(written.ok() || absl::IsUnavailable(written.status()));
    CAF_CHECK(read.ok() || absl::IsUnavailable(read.status()));
    CAF_CHECK(write_blob(*store, large(2), digest_function::sha256).ok());
    CAF_CHECK_EQUAL(whole(*store, large(1)), large(1));
    CAF_CHECK_EQUAL(whole(*store, large(2)), large(2));
    if (over)
      break;
  }
}
