#define CAF_SUITE storage.upkeep
#include "storage/disk/scrubber.hpp"
#include "test/storage/store_history.hpp"
#include "test/support/folder.hpp"

#include <atomic>
#include <mutex>
#include <set>

/// What a store does beside serving.

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

constexpr store_seconds now = 1'000'000;

/// The kernel's calls; nothing can be written to the log of promises when it is told so.
class promiseless_disk : public disk_calls {
public:
  std::atomic<bool> is_full{false};

  int open(int dirfd, const char* path, int flags, mode_t mode) override {
    const int fd = disk_calls::open(dirfd, path, flags, mode);
    const std::lock_guard lock(guard_);
    logs_.erase(fd);
    if (std::string(path) == "log.new")
      logs_.insert(fd);
    return fd;
  }
  ssize_t write(int fd, const char* from, std::size_t size, off_t offset) override {
    const std::lock_guard lock(guard_);
    if (is_full && logs_.count(fd) != 0) {
      errno = ENOSPC;
      return -1;
    }
    return disk_calls::write(fd, from, size, offset);
  }

private:
  std::mutex guard_;
  std::set<int> logs_;
};

/// The kernel's calls; a folder of that name can not be opened.
class folderless_disk : public disk_calls {
public:
  explicit folderless_disk(std::string name) : name_(std::move(name)) {}

  int open(int dirfd, const char* path, int flags, mode_t mode) override {
    if (name_ == path) {
      errno = EIO;
      return -1;
    }
    return disk_calls::open(dirfd, path, flags, mode);
  }

private:
  const std::string name_;
};

std::vector<std::string> some_of_all_kinds() {
  return {small(1), small(2), large(1), large(2), large(3), large(4)};
}

/// A store that was used and closed well: with a list for its segment, files and promises.
void leave_store(const std::filesystem::path& root, durability level, bool compresses) {
  auto options = options_for(root, quick_disk(), level, compresses);
  options.background = true;
  options.clock = [] { return now; };
  const auto store = *make_filesystem_backend(options);
  CAF_CHECK(store->for_each([](const digest&) {}).ok()); // it has found out what it holds
  std::vector<digest> ids;
  for (const auto& bytes : some_of_all_kinds()) {
    CAF_CHECK(write_blob(*store, bytes, digest_function::sha256).ok());
    ids.push_back(digest::of(bytes));
  }
  store->index().promise(ids, now, now + 1000);
}

} // namespace

CAF_TEST(small blobs are hashed again as slowly as large ones) {
  blob_index index({.max_bytes = 1 << 30, .usual_promise = 1000, .grace = 0});
  for (int i = 0; i < 10'000; ++i)
    index.add(digest(digest_function::sha256, digest::of(std::to_string(i)).raw_hash(), 500), {},
              0);
  int rounds = 0;
  std::chrono::milliseconds rested{0};
  const auto wait = [&](std::chrono::milliseconds time) {
    if (time >= 1h)
      return ++rounds == 1;
    rested += time;
    CAF_CHECK(time == 0ms || time >= 5ms);
    return true;
  };
  scrubber({.bytes_a_second = 5 << 20,
            .check = [](const digest&, blob_place) { return absl::OkStatus(); },
            .wait = wait,
            .trouble = {},
            .notice = [](const std::string&) {}})
      .run(index);
  CAF_CHECK(rested > 900ms && rested <= 954ms); // five million bytes
}

CAF_TEST(a promise that could not be written down once is written down later) {
  temporary_folder folder;
  const auto disk = std::make_shared<promiseless_disk>();
  auto options = options_for(folder.path() / "s", disk, durability::strict);
  options.clock = [] { return now; };
  const digest ids[] = {digest::of(small(1)), digest::of(large(1))};
  {
    const auto store = *make_filesystem_backend(options);
    history told;
    told.write(*store, small(1));
    told.write(*store, large(1));
    told.write(*store, small(2));
    store->index().promise(ids, now, now + 1000);
    disk->is_full = true;
    CAF_CHECK(!store->flush().ok());
    disk->is_full = false;
    CAF_CHECK(store->flush().ok());
  }
  const auto again = *make_filesystem_backend(options);
  const auto victims = again->index().choose_victims(std::int64_t{1} << 40, 100, now + 100);
  CAF_REQUIRE_EQUAL(victims.size(), 1u);
  CAF_CHECK(victims[0].id == digest::of(small(2)));
}

CAF_TEST(an error that passes while a store finds out what it holds hides no blob) {
  constexpr std::pair<durability, bool> kinds[] = {
      {durability::grouped, false}, {durability::grouped, true}, {durability::none, true}};
  for (const auto& [level, compresses] : kinds)
    for (const int error : {EMFILE, EIO}) {
      temporary_folder folder;
      leave_store(folder.path() / "left", level, compresses);
      for (std::uint64_t call = 1;; ++call) {
        const auto copy = folder.path() / std::to_string(call);
        std::filesystem::copy(folder.path() / "left", copy,
                              std::filesystem::copy_options::recursive);
        const auto disk = std::make_shared<failing_disk>();
        disk->fail(call, error);
        const auto store = make_filesystem_backend(options_for(copy, disk, level, compresses));
        const bool over = !disk->has_failed();
        disk->fail(0, 0);
        if (store.ok())
          for (const auto& bytes : some_of_all_kinds())
            CAF_CHECK_EQUAL(whole(**store, bytes), bytes);
        std::filesystem::remove_all(copy);
        if (over)
          break;
      }
    }
}

CAF_TEST(a folder that can not be read is told and costs neither other blobs nor promises) {
  temporary_folder folder;
  leave_store(folder.path(), durability::strict, false);
  const auto hidden = digest::of(large(2));
  {
    auto options =
        options_for(folder.path(), std::make_shared<folderless_disk>(hidden.hash().substr(0, 2)),
                    durability::strict);
    int told = 0;
    options.clock = [] { return now; };
    options.events.trouble = [&told](const absl::Status&) { ++told; };
    const auto store = *make_filesystem_backend(options);
    CAF_CHECK_EQUAL(told, 1);
    CAF_CHECK(!store->contains(hidden));
    for (const auto& bytes : some_of_all_kinds())
      CAF_CHECK(bytes == large(2) || store->contains(digest::of(bytes)));
    CAF_CHECK(store->flush().ok());
  }
  auto options = options_for(folder.path(), quick_disk(), durability::strict);
  options.clock = [] { return now; };
  const auto again = *make_filesystem_backend(options);
  CAF_CHECK(again->contains(hidden));
  CAF_CHECK(again->index().choose_victims(std::int64_t{1} << 40, 100, now + 100).empty());
}
