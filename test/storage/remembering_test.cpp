#define CAF_SUITE storage.remembering
#include "storage/backend.hpp"
#include "storage/posix.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

constexpr auto sha = digest_function::sha256;

struct fixture {
  temporary_folder folder;
  std::shared_ptr<failing_disk> calls = std::make_shared<failing_disk>();
  std::shared_ptr<backend> disk = *make_filesystem_backend(
      {.root = folder.path() / "store", .background = false, .calls = calls});
  std::shared_ptr<backend> store =
      make_remembering_backend(disk, {.max_bytes = 100'000, .max_blob_bytes = 1000});

  /// As collecting an output does.
  digest store_file(const std::string& bytes) {
    write_text(folder.path() / "output", bytes);
    const unique_fd file(::open((folder.path() / "output").c_str(), O_RDONLY));
    return *write_file(*store, file.get(), sha);
  }

  bool is_remembered(const digest& id) { return store->in_memory(id) != nullptr; }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(remembering_tests, fixture)

CAF_TEST(a small blob is remembered when it was written) {
  const auto id = *write_blob(*store, "small", sha);
  CAF_CHECK(is_remembered(id));
  CAF_CHECK(disk->open(id).ok());
  calls->fail(1, EIO, true); // no disk is needed
  CAF_CHECK_EQUAL(read_blob(*store, id, 100).value_or("nothing"), "small");
}

CAF_TEST(a small blob is remembered when it was read whole) {
  const auto id = *write_blob(*disk, "small", sha);
  CAF_CHECK(!is_remembered(id));
  std::string part(2, ' ');
  CAF_CHECK((*store->open(id))->read_at(1, part).ok());
  CAF_CHECK(!is_remembered(id));
  CAF_CHECK_EQUAL(read_blob(*store, id, 100).value_or("nothing"), "small");
  CAF_CHECK(is_remembered(id));
}

CAF_TEST(what is large or damaged or was never finished is not ) {
  const auto large = *write_blob(*store, std::string(1001, 'x'), sha);
  CAF_CHECK(read_blob(*store, large, 10'000).ok());
  CAF_CHECK(!is_remembered(large));
  const auto id = digest::of("right");
  {
    const auto writer = *store->begin_write(id);
    CAF_CHECK(writer->append("wrong").ok());
    CAF_CHECK(!writer->commit().ok());
  }
  {
    const auto writer = *store->begin_write(id);
    CAF_CHECK(writer->append("righ").ok());
  }
  CAF_CHECK(!is_remembered(id));
}

CAF_TEST(removing forgets) {
  const auto id = *write_blob(*store, "small", sha);
  CAF_CHECK(store->remove(id).ok());
  CAF_CHECK(!is_remembered(id));
  CAF_CHECK(absl::IsNotFound(store->open(id).status()));
}

CAF_TEST(what the store could not sync is written again although it was remembered) {
  const auto id = *write_blob(*store, "output", sha);
  CAF_CHECK(is_remembered(id));
  calls->fail(1, EIO, true);
  CAF_CHECK(!store->flush().ok());
  calls->fail(0, 0);
  CAF_CHECK(!disk->index().contains(id));
  CAF_CHECK(!is_remembered(id));
  CAF_CHECK(store_file("output") == id);
  CAF_CHECK(disk->index().contains(id));
  CAF_CHECK_EQUAL(read_blob(*disk, id, 100).value_or("nothing"), "output");
}

CAF_TEST(what a reader learns after the blob was evicted does not bring it back) {
  const auto id = *write_blob(*disk, "output", sha);
  const auto reader = *store->open(id);
  CAF_CHECK(store->remove(id).ok());
  std::string bytes(6, ' ');
  CAF_CHECK(reader->read_at(0, bytes).ok());
  CAF_CHECK(!is_remembered(id));
  CAF_CHECK(absl::IsNotFound(store->open(id).status()));
  CAF_CHECK(store_file("output") == id);
  CAF_CHECK(disk->index().contains(id));
}

CAF_TEST(an output that was there already stays until its client is promised it) {
  store_seconds now = 1000;
  disk = nullptr;
  disk = *make_filesystem_backend(
      {.root = folder.path() / "another", .clock = [&now] { return now; }, .background = false});
  store = make_remembering_backend(disk, {});
  const auto id = *write_blob(*store, "output", sha);
  now += 100; // longer than a new blob stays for sure
  CAF_CHECK(store_file("output") == id);
  CAF_CHECK(disk->index().choose_victims(1000, 10, now + 59).empty());
  CAF_CHECK_EQUAL(disk->index().choose_victims(1000, 10, now + 100).size(), 1u);
}

CAF_TEST(a remembered blob is linked from the disk) {
  const auto id = *write_blob(*store, "small", sha);
  const auto reader = *store->open(id);
  const unique_fd here(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY));
  CAF_CHECK_EQUAL(reader->link_into(here.get(), "plain", false), absl::OkStatus());
  CAF_CHECK_EQUAL(reader->link_into(here.get(), "program", true), absl::OkStatus());
  CAF_CHECK_EQUAL(read_text(folder.path() / "plain"), "small");
  CAF_CHECK(::access((folder.path() / "program").c_str(), X_OK) == 0);
}

CAF_TEST(memory stays within its bound) {
  for (int i = 0; i < 500; ++i)
    CAF_CHECK(write_blob(*store, std::string(900, 'x') + std::to_string(i), sha).ok());
  int remembered = 0;
  for (int i = 0; i < 500; ++i)
    remembered += is_remembered(digest::of(std::string(900, 'x') + std::to_string(i))) ? 1 : 0;
  CAF_CHECK(remembered > 50 && remembered < 110);
  CAF_CHECK(is_remembered(digest::of(std::string(900, 'x') + "499")));
}

CAF_TEST_FIXTURE_SCOPE_END()
