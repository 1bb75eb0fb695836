#define CAF_SUITE storage.index_loading
#include "storage/disk/disk_calls.hpp"
#include "test/storage/disk_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <future>

/// What the index believes while it learns, in the background, what is on the disk.

using namespace expbuild;
using namespace expbuild::test;
using namespace std::chrono_literals;

namespace {

/// The kernel's calls, but that the listing of the folder with that file waits, once the names are
/// known; and something may happen right after the file was opened.
class paused_disk : public disk_calls {
public:
  explicit paused_disk(std::string name) : name_(std::move(name)) {}

  void wait_for_listing() {
    CAF_REQUIRE(listed_.get_future().wait_for(20s) == std::future_status::ready);
  }
  void go_on() { go_.set_value(); }
  void when_opened(std::function<void()> action) { when_opened_ = std::move(action); }

  int list(int fd, const std::function<bool(const char*)>& visit) override {
    std::vector<std::string> names;
    const int result = disk_calls::list(fd, [&](const char* name) {
      names.emplace_back(name);
      return true;
    });
    if (std::find(names.begin(), names.end(), name_) != names.end()) {
      listed_.set_value();
      held_.wait_for(20s);
    }
    for (const auto& name : names)
      if (!visit(name.c_str()))
        break;
    return result;
  }

  int open(int dirfd, const char* path, int flags, mode_t mode) override {
    const int fd = disk_calls::open(dirfd, path, flags, mode);
    if (fd >= 0 && std::string(path).ends_with(name_))
      if (const auto action = std::exchange(when_opened_, nullptr))
        action();
    return fd;
  }

  ssize_t read(int fd, char* to, std::size_t size, off_t offset) override {
    const auto n = disk_calls::read(fd, to, size, offset);
    bytes_read_ += std::max<ssize_t>(n, 0);
    return n;
  }
  ssize_t bytes_read() const { return bytes_read_; }

private:
  std::atomic<ssize_t> bytes_read_{0};
  const std::string name_;
  std::promise<void> listed_;
  std::promise<void> go_;
  std::future<void> held_ = go_.get_future();
  std::function<void()> when_opened_;
};

/// One blob in a store that was started again, and whose index does not know it yet.
struct loading_fixture : disk_fixture {
  const digest id = *write_blob(*files, std::string(20'000, 'x'), digest_function::sha256);
  std::shared_ptr<paused_disk> disk = std::make_shared<paused_disk>(file_of(id).filename());

  loading_fixture() {
    files = nullptr;
    files = *make_filesystem_backend({.root = folder.path() / "store", .calls = disk});
    disk->wait_for_listing();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(index_loading_tests, loading_fixture)

CAF_TEST(a blob that is removed after it was listed does not come back into the index) {
  CAF_CHECK(files->remove(id).ok());
  disk->go_on();
  CAF_CHECK_EQUAL(blobs_in(*files), 0u);
  CAF_CHECK(!files->contains(id));
}

CAF_TEST(a blob that is removed while it is opened does not come back into the index) {
  disk->when_opened([this] { CAF_CHECK(files->remove(id).ok()); });
  CAF_CHECK(files->open(id).ok()); // whoever has it open may read it
  CAF_CHECK(!files->index().contains(id));
  disk->go_on();
  CAF_CHECK_EQUAL(blobs_in(*files), 0u);
}

CAF_TEST(a blob that is asked for early is known early and once) {
  CAF_CHECK(!files->index().contains(id));
  CAF_CHECK(files->contains(id));
  CAF_CHECK(files->index().contains(id));
  disk->go_on();
  CAF_CHECK_EQUAL(blobs_in(*files), 1u);
}

CAF_TEST(whether a blob is there costs no reading of it) {
  const auto before = disk->bytes_read();
  CAF_CHECK(files->contains(id));
  CAF_CHECK_EQUAL(disk->bytes_read() - before, 0);
  disk->go_on();
}

CAF_TEST(a blob that is read early is hashed once) {
  CAF_CHECK(files->open(id).ok());
  const auto before = disk->bytes_read();
  CAF_CHECK(before >= id.size_bytes());
  CAF_CHECK(files->open(id).ok());
  CAF_CHECK_EQUAL(disk->bytes_read() - before, 0);
  disk->go_on();
}

CAF_TEST_FIXTURE_SCOPE_END()
