#define CAF_SUITE storage.backend
#include "test/storage/disk_fixture.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <thread>

using namespace expbuild;
using namespace expbuild::test;

namespace {

/// ONE contract for all backends: each test runs on every one of them.
struct fixture : disk_fixture {
  std::vector<std::pair<std::string, std::shared_ptr<backend>>> all{
      {"memory", make_memory_backend()},
      {"files", files},
      {"packed", packed},
      {"remembering", make_remembering_backend(make_memory_backend())}};

  template <class Test>
  void each(Test test) {
    for (auto& [name, store] : all) {
      CAF_MESSAGE("on " << name);
      test(*store);
    }
  }
};

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

CAF_TEST_FIXTURE_SCOPE_END()
