#define CAF_SUITE storage.linked_blobs
#include "storage/disk/disk_calls.hpp"
#include "storage/posix.hpp"
#include "test/storage/disk_fixture.hpp"
#include "test/storage/link_checks.hpp"

#include <caf/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

/// Blobs that appear as files in folders without being copied.

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// Somebody who may write to a folder puts a file of their own in the place of one that has just
/// been made there.
struct swapping_disk : disk_calls {
  int close(int fd) override {
    const int result = disk_calls::close(fd);
    if (!target.empty() && std::filesystem::exists(target)) {
      std::filesystem::rename(target, target.string() + ".away");
      write_text(std::exchange(target, ""), "theirs");
    }
    return result;
  }
  std::filesystem::path target;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(linked_blobs_tests, disk_fixture)

CAF_TEST(files that are made to be linked count as used until their blob goes) {
  const auto store = packed;
  const auto id = *write_blob(*store, "linked", digest_function::sha256);
  const auto before = store->usage().bytes;
  const unique_fd to(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const auto* name : {"one", "two"})
    CAF_CHECK((*store->open(id))->link_into(to.get(), name, false).ok());
  CAF_CHECK_EQUAL(store->usage().bytes, before + 4096);
  CAF_CHECK((*store->open(id))->link_into(to.get(), "three", true).ok());
  CAF_CHECK_EQUAL(store->usage().bytes, before + 2 * 4096);
  CAF_CHECK(store->remove(id).ok());
  CAF_CHECK(store->usage().bytes < before + 4096);
}

CAF_TEST(a linked packed blob is a file of its own with its mode) {
  const auto id = *write_blob(*packed, "#!/bin/sh\n", digest_function::sha256);
  check_links(**packed->open(id), folder.path());
  CAF_CHECK_EQUAL(read_text(folder.path() / "one"), "#!/bin/sh\n");
}

CAF_TEST(a linked input shares the inode and an executable one has its own mode) {
  const auto id = *write_blob(*files, "#!/bin/sh\n", digest_function::sha256);
  const int target = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
  const auto reader = *files->open(id);
  CAF_CHECK(reader->link_into(target, "plain", false).ok());
  CAF_CHECK(reader->link_into(target, "program", true).ok());
  struct stat plain {};
  struct stat program {};
  struct stat stored {};
  ::stat((folder.path() / "plain").c_str(), &plain);
  ::stat((folder.path() / "program").c_str(), &program);
  ::stat(file_of(id).c_str(), &stored);
  CAF_CHECK_EQUAL(plain.st_ino, stored.st_ino);
  CAF_CHECK(program.st_ino != stored.st_ino);
  CAF_CHECK_EQUAL(program.st_mode & 0777u, 0555u);
  ::close(target);
}

CAF_TEST(a file that is put in the place of a new one is never linked from) {
  const auto disk = std::make_shared<swapping_disk>();
  const auto store = *make_filesystem_backend({.root = folder.path() / "swapped", .calls = disk});
  const auto id = *write_blob(*store, "input", digest_function::sha256);
  const unique_fd to(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  disk->target = folder.path() / "one";
  CAF_CHECK((*store->open(id))->link_into(to.get(), "one", false).ok());
  CAF_CHECK_EQUAL(read_text(folder.path() / "one"), "theirs");
  CAF_CHECK((*store->open(id))->link_into(to.get(), "two", false).ok());
  CAF_CHECK_EQUAL(read_text(folder.path() / "two"), "input");
}

CAF_TEST(a memory blob can not be linked) {
  const auto store = make_memory_backend();
  const auto id = *write_blob(*store, "x", digest_function::sha256);
  CAF_CHECK(absl::IsUnimplemented((*store->open(id))->link_into(0, "x", false)));
}

CAF_TEST_FIXTURE_SCOPE_END()
