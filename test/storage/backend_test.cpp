#define CAF_SUITE storage.backend
#include "storage/backend.hpp"
#include "storage/posix.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// ONE contract for all backends: each test runs on every one of them.
struct fixture {
  temporary_folder folder;
  std::vector<std::pair<std::string, std::shared_ptr<backend>>> all{
      {"memory", make_memory_backend()},
      {"files",
       *make_filesystem_backend(
           {.root = folder.path() / "store", .level = durability::strict, .packed_below = 0})},
      {"packed", *make_filesystem_backend({.root = folder.path() / "packed"})},
      {"remembering", make_remembering_backend(make_memory_backend())}};

  template <class Test>
  void each(Test test) {
    for (auto& [name, store] : all) {
      CAF_MESSAGE("on " << name);
      test(*store);
    }
  }

  backend& on_disk() { return *all[1].second; }

  std::filesystem::path file_of(const digest& id) {
    return folder.path() / "store/blobs/SHA256" / id.hash().substr(0, 2)
           / (id.hash() + "-" + std::to_string(id.size_bytes()));
  }
};

std::size_t blobs_in(backend& store) {
  std::size_t count = 0;
  CAF_CHECK(store.for_each([&count](const digest&) { ++count; }).ok());
  return count;
}

absl::Status write_as(backend& store, const digest& id, const std::string& bytes) {
  auto writer = store.begin_write(id);
  auto status = (*writer)->append(bytes);
  return status.ok() ? (*writer)->commit() : status;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(backend_tests, fixture)

CAF_TEST(what was written can be read at any offset) {
  each([](backend& store) {
    const auto id = *write_blob(store, "hello world", digest_function::sha256);
    const auto reader = *store.open(id);
    CAF_CHECK_EQUAL(reader->id().hash(), id.hash());
    std::string part(5, ' ');
    CAF_CHECK_EQUAL(+*reader->read_at(6, part), 5u);
    CAF_CHECK_EQUAL(part, "world");
    CAF_CHECK_EQUAL(+*reader->read_at(9, part), 2u);
    CAF_CHECK_EQUAL(+*reader->read_at(11, part), 0u);
    const auto now = *reader->try_read_at(0, part);
    CAF_CHECK(now == std::nullopt || *now == 5u);
  });
}

CAF_TEST(a blob with a wrong hash is refused and leaves nothing behind) {
  each([](backend& store) {
    const auto id = digest::of("promised");
    const auto status = write_as(store, id, "deliverd");
    CAF_CHECK(absl::IsInvalidArgument(status));
    CAF_CHECK(std::string(status.message()).find(digest::of("deliverd").hash())
              != std::string::npos);
    CAF_CHECK(absl::IsNotFound(store.open(id).status()));
    CAF_CHECK_EQUAL(blobs_in(store), 0u);
  });
}

CAF_TEST(too few and too many bytes are refused) {
  each([](backend& store) {
    const auto id = digest::of("twelve bytes");
    CAF_CHECK(absl::IsInvalidArgument(write_as(store, id, "twelve")));
    CAF_CHECK(absl::IsInvalidArgument(write_as(store, id, "twelve bytes and more")));
    CAF_CHECK_EQUAL(blobs_in(store), 0u);
  });
}

CAF_TEST(the right hash with a wrong size is missing) {
  each([](backend& store) {
    const auto id = *write_blob(store, "hello", digest_function::sha256);
    const auto wrong = *digest::parse(id.hash(), 6, digest_function::sha256);
    CAF_CHECK(absl::IsNotFound(store.open(wrong).status()));
  });
}

CAF_TEST(an abandoned write leaves nothing behind) {
  each([](backend& store) {
    { CAF_CHECK((*(*store.begin_write(digest::of("abandoned")))).append("aban").ok()); }
    CAF_CHECK_EQUAL(blobs_in(store), 0u);
  });
  CAF_CHECK_EQUAL(count_files(folder.path() / "store/tmp"), 0u);
}

CAF_TEST(the empty blob is always there and never stored) {
  each([](backend& store) {
    const auto reader = store.open(digest());
    CAF_CHECK(reader.ok());
    CAF_CHECK(write_as(store, digest(), "").ok());
    CAF_CHECK_EQUAL(blobs_in(store), 0u);
    CAF_CHECK_EQUAL(read_blob(store, digest(), 0)->size(), 0u);
  });
}

CAF_TEST(nothing is served or stored under a wrong hash of size zero) {
  each([](backend& store) {
    const auto odd = *digest::parse(digest::of("abc").hash(), 0, digest_function::sha256);
    CAF_CHECK(absl::IsNotFound(store.open(odd).status()));
    CAF_CHECK(absl::IsInvalidArgument(write_as(store, odd, "")));
  });
}

CAF_TEST(two writers of one blob both succeed) {
  each([](backend& store) {
    const auto id = digest::of("shared");
    auto first = *store.begin_write(id);
    auto second = *store.begin_write(id);
    CAF_CHECK(first->append("shared").ok());
    CAF_CHECK(second->append("shared").ok());
    CAF_CHECK(first->commit().ok());
    CAF_CHECK(second->commit().ok());
    CAF_CHECK_EQUAL(std::string(*read_blob(store, id, 100)), "shared");
    CAF_CHECK_EQUAL(blobs_in(store), 1u);
  });
}

CAF_TEST(many threads write and read at once) {
  each([](backend& store) {
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) {
          const auto text = "blob " + std::to_string(i);
          const auto id = write_blob(store, text, digest_function::sha256);
          if (!id.ok() || *read_blob(store, *id, 100) != text)
            ++failures;
        }
      });
    for (auto& each_thread : threads)
      each_thread.join();
    CAF_CHECK_EQUAL(failures.load(), 0);
    CAF_CHECK_EQUAL(blobs_in(store), 100u);
  });
}

CAF_TEST(a removed blob is gone but stays readable for who has it open) {
  each([](backend& store) {
    const auto id = *write_blob(store, "hello", digest_function::sha256);
    const auto reader = *store.open(id);
    CAF_CHECK(store.remove(id).ok());
    CAF_CHECK(store.remove(id).ok());
    CAF_CHECK(absl::IsNotFound(store.open(id).status()));
    std::string bytes(5, ' ');
    CAF_CHECK_EQUAL(+*reader->read_at(0, bytes), 5u);
    CAF_CHECK_EQUAL(bytes, "hello");
  });
}

CAF_TEST(other digest functions have their own names) {
  each([](backend& store) {
    for (const auto function : {digest_function::sha1, digest_function::md5,
                                digest_function::sha384, digest_function::sha512})
      CAF_CHECK_EQUAL(std::string(*read_blob(store, *write_blob(store, "x", function), 10)), "x");
    CAF_CHECK_EQUAL(blobs_in(store), 4u);
  });
}

// ---- what only a disk can do ---------------------------------------------------------------

CAF_TEST(stored files are read only) {
  const auto id = *write_blob(on_disk(), "hello", digest_function::sha256);
  struct stat facts {};
  CAF_REQUIRE(::stat(file_of(id).c_str(), &facts) == 0);
  CAF_CHECK_EQUAL(facts.st_mode & 0777u, 0444u);
}

CAF_TEST(blobs survive a restart and foreign files are left alone) {
  const auto id = *write_blob(on_disk(), "hello", digest_function::sha256);
  write_text(folder.path() / "store/blobs/SHA256/lost+found/x", "foreign");
  write_text(folder.path() / "store/blobs/SHA256/zz", "foreign");
  write_text(folder.path() / "store/tmp/1-1", "half a blo");
  all[1].second = nullptr;
  const auto again = *make_filesystem_backend({.root = folder.path() / "store"});
  CAF_CHECK_EQUAL(blobs_in(*again), 1u);
  CAF_CHECK_EQUAL(std::string(*read_blob(*again, id, 10)), "hello");
  CAF_CHECK(std::filesystem::exists(folder.path() / "store/blobs/SHA256/lost+found/x"));
  CAF_CHECK(!std::filesystem::exists(folder.path() / "store/tmp/1-1"));
}

CAF_TEST(a file that was cut short is missing and mended by the next write) {
  const auto id = *write_blob(on_disk(), "hello world", digest_function::sha256);
  std::filesystem::permissions(file_of(id), std::filesystem::perms::owner_all);
  std::filesystem::resize_file(file_of(id), 4);
  CAF_CHECK(absl::IsNotFound(on_disk().open(id).status()));
  CAF_CHECK(write_blob(on_disk(), "hello world", digest_function::sha256).ok());
  CAF_CHECK_EQUAL(std::string(*read_blob(on_disk(), id, 100)), "hello world");
}

CAF_TEST(bytes that changed on the disk are never served and lie in quarantine) {
  const std::string text(20'000, 'x');
  const auto id = *write_blob(on_disk(), text, digest_function::sha256);
  CAF_CHECK_EQUAL(read_blob(on_disk(), id, 1 << 20)->size(), text.size());
  std::filesystem::permissions(file_of(id), std::filesystem::perms::owner_all);
  auto bytes = read_text(file_of(id));
  bytes[12'345] = 'y';
  write_text(file_of(id), bytes);
  CAF_CHECK(absl::IsNotFound(on_disk().open(id).status()));
  CAF_CHECK(!on_disk().index().contains(id));
  CAF_CHECK_EQUAL(count_files(folder.path() / "store/quarantine"), 1u);
  CAF_CHECK(write_blob(on_disk(), text, digest_function::sha256).ok());
  CAF_CHECK_EQUAL(std::string(*read_blob(on_disk(), id, 1 << 20)), text);
}

CAF_TEST(quarantine keeps the first damaged blobs and no more) {
  for (int i = 0; i < 70; ++i) {
    const auto id = *write_blob(on_disk(), std::to_string(i), digest_function::sha256);
    std::filesystem::remove(file_of(id));
    write_text(file_of(id), "x" + std::to_string(i));
    CAF_CHECK(absl::IsNotFound(on_disk().open(id).status()));
    CAF_CHECK(!std::filesystem::exists(file_of(id)));
  }
  CAF_CHECK_EQUAL(count_files(folder.path() / "store/quarantine"), 64u);
}

CAF_TEST(files that are made to be linked count as used until their blob goes) {
  const auto store = all[2].second;
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

CAF_TEST(a packed blob that changed on the disk is never served) {
  auto& store = *all[2].second;
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

CAF_TEST(a batch is answered blob by blob) {
  each([](backend& store) {
    const std::string big(30'000, 'b');
    const std::vector<named_bytes> batch{{digest::of("one"), "one"},
                                         {digest::of("two"), "oww"},
                                         {digest(), ""},
                                         {digest::of(big), big},
                                         {digest::of("three"), "three"}};
    const auto answers = store.write_all(batch);
    CAF_REQUIRE_EQUAL(answers.size(), 5u);
    for (const std::size_t good : {0, 2, 3, 4})
      CAF_CHECK(answers[good].ok());
    CAF_CHECK(absl::IsInvalidArgument(answers[1]));
    CAF_CHECK(std::string(answers[1].message()).find(digest::of("two").hash())
              != std::string::npos);
    CAF_CHECK_EQUAL(blobs_in(store), 3u);
    CAF_CHECK_EQUAL(std::string(*read_blob(store, digest::of(big), 1 << 20)), big);
  });
}

CAF_TEST(a linked packed blob is a file of its own with its mode) {
  auto& store = *all[2].second;
  const auto id = *write_blob(store, "#!/bin/sh\n", digest_function::sha256);
  const int target = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
  const auto reader = *store.open(id);
  for (const auto* name : {"one", "two"})
    CAF_CHECK(reader->link_into(target, name, false).ok());
  CAF_CHECK(reader->link_into(target, "program", true).ok());
  struct stat one {};
  struct stat two {};
  struct stat program {};
  ::stat((folder.path() / "one").c_str(), &one);
  ::stat((folder.path() / "two").c_str(), &two);
  ::stat((folder.path() / "program").c_str(), &program);
  CAF_CHECK_EQUAL(one.st_ino, two.st_ino);
  CAF_CHECK_EQUAL(one.st_mode & 0777u, 0444u);
  CAF_CHECK_EQUAL(program.st_mode & 0777u, 0555u);
  CAF_CHECK_EQUAL(read_text(folder.path() / "one"), "#!/bin/sh\n");
  ::close(target);
}

CAF_TEST(a linked input shares the inode and an executable one has its own mode) {
  const auto id = *write_blob(on_disk(), "#!/bin/sh\n", digest_function::sha256);
  const int target = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
  const auto reader = *on_disk().open(id);
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

CAF_TEST(a memory blob can not be linked) {
  auto& store = *all[0].second;
  const auto id = *write_blob(store, "x", digest_function::sha256);
  CAF_CHECK(absl::IsUnimplemented((*store.open(id))->link_into(0, "x", false)));
}

CAF_TEST(a full disk is told as such and leaves no temporary file) {
  // A file size limit stands in for the disk: the kernel answers EFBIG where it would say ENOSPC.
  const auto id = digest::of(std::string(1 << 20, 'x'));
  auto writer = *on_disk().begin_write(id);
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
