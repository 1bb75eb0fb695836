#define CAF_SUITE storage.disk_faults
#include "storage/backend.hpp"
#include "storage/result_store.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"
#include "test/support/forgetful_disk.hpp"

#include <caf/test/unit_test.hpp>

#include <set>
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

filesystem_backend_options options_for(const std::filesystem::path& root,
                                       std::shared_ptr<disk_calls> calls, durability level,
                                       bool compresses = false) {
  return {.root = root,
          .level = level,
          .max_bytes = std::int64_t{16} << 20,
          .packed_below = 1000,
          .compresses = compresses,
          .background = false,
          .calls = std::move(calls)};
}

std::shared_ptr<disk_calls> quick_disk() {
  return std::make_shared<failing_disk>();
}

std::string small(int i) {
  return "a small blob, number " + std::to_string(i);
}

std::string large(int i) {
  return std::string(5000, static_cast<char>('a' + i % 26)) + std::to_string(i);
}

/// What a client was told, and what is true in the end.
struct history {
  std::set<std::string> acknowledged;
  std::set<std::string> flushed; ///< acknowledged before a flush that said OK

  void write(backend& store, const std::string& bytes) {
    if (write_blob(store, bytes, digest_function::sha256).ok())
      acknowledged.insert(bytes);
  }
  void write_all(backend& store, const std::vector<std::string>& all) {
    std::vector<named_bytes> blobs;
    for (const auto& x : all)
      blobs.push_back({digest::of(x), x});
    const auto answers = store.write_all(blobs);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (answers[i].ok())
        acknowledged.insert(all[i]);
  }
  void flush(backend& store) {
    if (store.flush().ok())
      flushed = acknowledged;
  }
};

/// A bit of everything that a store does to its disk.
void live(backend& store, history& told) {
  told.write(store, small(1));
  told.write(store, large(1));
  told.write_all(store, {small(2), small(3), large(2), small(4)});
  told.flush(store);
  told.write(store, large(3));
  told.write(store, small(5));
  told.write(store, large(1)); // once more
  told.flush(store);
  const std::vector<std::string> gone{small(2), large(2)};
  for (const auto& x : gone) {
    told.acknowledged.erase(x);
    told.flushed.erase(x);
    store.remove(digest::of(x)).IgnoreError(); // it may fail here
  }
  told.write(store, small(6));
}

std::string whole(backend& store, const std::string& bytes) {
  const auto read = read_blob(store, digest::of(bytes), 1 << 20);
  return read.ok() ? *read : read.status().ToString();
}

/// What is said to be there is there, and is what its digest says, whatever happened.
void check_everything(backend& store) {
  CAF_CHECK(store
                .for_each([&store](const digest& id) {
                  const auto bytes = read_blob(store, id, 1 << 20);
                  CAF_CHECK(bytes.ok() && digest::of(*bytes) == id);
                })
                .ok());
}

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
