#define CAF_SUITE storage.disk_store
#include "test/storage/disk_fixture.hpp"

#include <caf/test/unit_test.hpp>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

/// How blobs lie on a disk, and what becomes of them when it changes them or is full.

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(disk_store_tests, disk_fixture)

CAF_TEST(stored files are read only) {
  const auto id = *write_blob(*files, "hello", digest_function::sha256);
  struct stat facts {};
  CAF_REQUIRE(::stat(file_of(id).c_str(), &facts) == 0);
  CAF_CHECK_EQUAL(facts.st_mode & 0777u, 0444u);
}

CAF_TEST(blobs survive a restart and foreign files are left alone) {
  const auto id = *write_blob(*files, "hello", digest_function::sha256);
  write_text(folder.path() / "store/blobs/SHA256/lost+found/x", "foreign");
  write_text(folder.path() / "store/blobs/SHA256/zz", "foreign");
  write_text(folder.path() / "store/tmp/1-1", "half a blo");
  files = nullptr;
  const auto again = *make_filesystem_backend({.root = folder.path() / "store"});
  CAF_CHECK_EQUAL(blobs_in(*again), 1u);
  CAF_CHECK_EQUAL(std::string(*read_blob(*again, id, 10)), "hello");
  CAF_CHECK(std::filesystem::exists(folder.path() / "store/blobs/SHA256/lost+found/x"));
  CAF_CHECK(!std::filesystem::exists(folder.path() / "store/tmp/1-1"));
}

CAF_TEST(a file that was cut short is missing and mended by the next write) {
  const auto id = *write_blob(*files, "hello world", digest_function::sha256);
  std::filesystem::permissions(file_of(id), std::filesystem::perms::owner_all);
  std::filesystem::resize_file(file_of(id), 4);
  CAF_CHECK(absl::IsNotFound(files->open(id).status()));
  CAF_CHECK(write_blob(*files, "hello world", digest_function::sha256).ok());
  CAF_CHECK_EQUAL(std::string(*read_blob(*files, id, 100)), "hello world");
}

CAF_TEST(bytes that changed on the disk are never served and lie in quarantine) {
  const std::string text(20'000, 'x');
  const auto id = *write_blob(*files, text, digest_function::sha256);
  CAF_CHECK_EQUAL(read_blob(*files, id, 1 << 20)->size(), text.size());
  std::filesystem::permissions(file_of(id), std::filesystem::perms::owner_all);
  auto bytes = read_text(file_of(id));
  bytes[12'345] = 'y';
  write_text(file_of(id), bytes);
  CAF_CHECK(absl::IsNotFound(files->open(id).status()));
  CAF_CHECK(!files->index().contains(id));
  CAF_CHECK_EQUAL(count_files(folder.path() / "store/quarantine"), 1u);
  CAF_CHECK(write_blob(*files, text, digest_function::sha256).ok());
  CAF_CHECK_EQUAL(std::string(*read_blob(*files, id, 1 << 20)), text);
}

CAF_TEST(quarantine keeps the first damaged blobs and no more) {
  for (int i = 0; i < 70; ++i) {
    const auto id = *write_blob(*files, std::to_string(i), digest_function::sha256);
    std::filesystem::remove(file_of(id));
    write_text(file_of(id), "x" + std::to_string(i));
    CAF_CHECK(absl::IsNotFound(files->open(id).status()));
    CAF_CHECK(!std::filesystem::exists(file_of(id)));
  }
  CAF_CHECK_EQUAL(count_files(folder.path() / "store/quarantine"), 64u);
}

CAF_TEST(a packed blob that changed on the disk is never served) {
  auto& store = *packed;
  const auto id = *write_blob(store, "hello world", digest_function::sha256);
  const auto segment = folder.path() / "packed/segments/00000001.seg";
  auto bytes = read_text(segment);
  bytes[bytes.find("hello")] = 'H';
  write_text(segment, bytes);
  CAF_CHECK(absl::IsNotFound(store.open(id).status()));
  CAF_CHECK(!store.index().contains(id));
  CAF_CHECK(write_blob(store, "hello world", digest_function::sha256).ok());
  CAF_CHECK_EQUAL(std::string(*read_blob(store, id, 100)), "hello world");
}

CAF_TEST(what evicted packed blobs took is given back to the disk) {
  struct row {
    const char* name;
    std::int64_t max_bytes;
    int evicted_of_four;
    bool gives_back;
  };
  for (const auto& x : {row{"most", 200 << 20, 3, true}, row{"spread", 4 << 20, 1, true},
                        row{"little", 200 << 20, 1, false}}) {
    CAF_MESSAGE(x.name);
    const auto store = *make_filesystem_backend(
        {.root = folder.path() / x.name, .max_bytes = x.max_bytes, .background = false});
    std::vector<blob_index::victim> victims;
    std::vector<digest> kept;
    for (int i = 0; i < 400; ++i) { // four segments
      const auto id = *write_blob(*store, std::to_string(i) + std::string(10'000, 'x'),
                                  digest_function::sha256);
      if (i % 4 < x.evicted_of_four)
        victims.push_back(*store->index().doom(id));
      else
        kept.push_back(id);
    }
    CAF_CHECK(store->flush().ok());
    const auto before = store->usage().bytes;
    CAF_CHECK(store->evict(victims).ok());
    CAF_CHECK_EQUAL(store->usage().bytes < before * 9 / 10, x.gives_back);
    for (const auto& id : kept)
      CAF_CHECK(read_blob(*store, id, 1 << 20).ok());
  }
}

CAF_TEST(a full disk is told as such and leaves no temporary file) {
  // A file size limit stands in for the disk: the kernel answers EFBIG where it would say ENOSPC.
  const auto id = digest::of(std::string(1 << 20, 'x'));
  auto writer = *files->begin_write(id);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{64 << 10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto status = writer->append(std::string(1 << 20, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  CAF_CHECK(absl::IsResourceExhausted(status));
  CAF_CHECK(!writer->commit().ok());
  writer.reset();
  CAF_CHECK_EQUAL(count_files(folder.path() / "store/tmp"), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
