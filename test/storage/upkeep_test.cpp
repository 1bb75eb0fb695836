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
