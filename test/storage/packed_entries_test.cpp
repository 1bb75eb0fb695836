#define CAF_SUITE storage.packed_entries
#include "storage/disk/packed_entries.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Does something else in the middle of a call.
class interrupted_disk : public disk_calls {
public:
  std::function<void()> before_read; ///< of a segment
  std::function<void()> before_sync;

  ssize_t read(int fd, char* to, std::size_t size, off_t offset) override {
    if (before_read && is_segment(fd))
      once(before_read);
    return disk_calls::read(fd, to, size, offset);
  }
  int sync(int) override { // nobody cuts the power here
    once(before_sync);
    return 0;
  }

private:
  static bool is_segment(int fd) {
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
    return path.extension() == ".seg";
  }
  static void once(std::function<void()>& what) {
    if (const auto now = std::exchange(what, nullptr))
      now();
  }
};

/// Results of actions in segments so small that two fill one.
struct fixture {
  temporary_folder folder;
  std::shared_ptr<interrupted_disk> disk = std::make_shared<interrupted_disk>();
  std::unique_ptr<blob_index> index;
  std::unique_ptr<packed_entries> entries;

  const digest action = digest::of("the action");
  const std::string old_result = "old " + std::string(300, '.');
  const std::string new_result = "new " + std::string(300, '.');

  fixture() { open(); }

  void open() {
    entries = nullptr;
    index = std::make_unique<blob_index>(blob_index::options{.max_bytes = 1 << 20, .grace = 0});
    entries = *packed_entries::open(*index,
                                    {.folder = *disk_folder::open_root(disk, folder.path() / "log"),
                                     .segment_bytes = 900,
                                     .whole = [](const digest&, std::string_view) { return true; },
                                     .events = {}});
    CAF_CHECK(entries->load(true).ok());
  }

  void put(const digest& key, const std::string& bytes) {
    const named_bytes entry{key, bytes};
    CAF_CHECK(entries->store({&entry, 1}).ok());
  }
  void evict(const digest& key) {
    const auto victim = index->doom(key);
    CAF_CHECK(victim && entries->evict({&*victim, 1}).ok());
  }
  /// Fills the segment that is being written.
  void fill(int number) { put(other(number), std::string(400, '.')); }
  static digest other(int number) { return digest::of(std::to_string(number)); }

  /// Half of segment 1 is waste, and the old result lies in it.
  void begin_to_move() {
    put(action, old_result);
    fill(1);
    fill(2);
    evict(other(1));
    CAF_CHECK(entries->sync().ok());
  }

  void compact(double waste) {
    CAF_CHECK(entries->sync().ok());
    CAF_CHECK(entries->compact([] { return true; }, waste).ok());
  }
  std::string get(const digest& key) {
    const auto bytes = entries->read(key);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  bool has_segment(int number) const {
    return std::filesystem::exists(folder.path() / "log"
                                   / ("0000000" + std::to_string(number) + ".seg"));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(packed_entries_tests, fixture)

CAF_TEST(a replaced entry does not come back when the newer one was removed) {
  put(action, old_result);
  fill(1); // and is wanted
  put(action, new_result);
  fill(2);
  fill(3);
  evict(action);
  evict(other(2));
  fill(4);
  compact(0.8);
  CAF_CHECK(has_segment(1));
  CAF_CHECK(!has_segment(2)); // which said what was newer
  open();
  CAF_CHECK(!index->contains(action));
  CAF_CHECK(index->contains(other(1)));
}

CAF_TEST(what is replaced while it is being moved stays replaced) {
  begin_to_move();
  disk->before_read = [&] { put(action, new_result); };
  compact(0.5);
  CAF_CHECK(!has_segment(1));
  CAF_CHECK_EQUAL(get(action), new_result);
  CAF_CHECK(entries->sync().ok());
  open();
  CAF_CHECK_EQUAL(get(action), new_result);
}

CAF_TEST(what is removed while its copy is being synced does not come back) {
  begin_to_move();
  disk->before_sync = [&] { evict(action); };
  compact(0.5);
  CAF_CHECK(!has_segment(1));
  open();
  CAF_CHECK(!index->contains(action));
  CAF_CHECK(index->contains(other(2)));
}

CAF_TEST(what is replaced and removed while its copy is being synced does not come back) {
  begin_to_move();
  disk->before_sync = [&] {
    put(action, new_result);
    evict(action);
  };
  compact(0.5);
  CAF_CHECK(!has_segment(1));
  open();
  CAF_CHECK(!index->contains(action));
}

CAF_TEST(an entry that does not lie where the index says is forgotten) {
  index->add(action, {77, 8}, 10);
  CAF_CHECK(absl::IsNotFound(entries->read(action).status()));
  CAF_CHECK(!index->contains(action));
}

CAF_TEST_FIXTURE_SCOPE_END()
