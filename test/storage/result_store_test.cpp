#define CAF_SUITE storage.results
#include "storage/result_record.hpp"
#include "storage/result_store.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;
using namespace expbuild::test;

namespace {

struct fixture {
  temporary_folder folder;
  std::vector<std::shared_ptr<result_store>> all{
      make_memory_result_store(), *make_filesystem_result_store({folder.path() / "cache"})};
  const digest action = digest::of("action");

  std::shared_ptr<result_store> reopen() {
    all[1] = nullptr;
    return *make_filesystem_result_store({.root = folder.path() / "cache",
                                          .background = false,
                                          .calls = std::make_shared<failing_disk>()});
  }
  std::filesystem::path segment() const { return folder.path() / "cache/segments/00000001.seg"; }
};

reapi::ActionResult result_with(int exit_code) {
  reapi::ActionResult x;
  x.set_exit_code(exit_code);
  x.set_stdout_raw("out");
  return x;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(result_store_tests, fixture)

CAF_TEST(a result is found once it was put and replaced by the next) {
  for (const auto& store : all) {
    CAF_CHECK(absl::IsNotFound(store->get(action).status()));
    CAF_CHECK(store->put(action, result_with(1)).ok());
    CAF_CHECK(store->put(action, result_with(2)).ok());
    CAF_CHECK_EQUAL(store->get(action)->exit_code(), 2);
    CAF_CHECK(store->remove(action).ok());
    CAF_CHECK(store->remove(action).ok());
    CAF_CHECK(absl::IsNotFound(store->get(action).status()));
  }
}

CAF_TEST(results survive a restart) {
  CAF_CHECK(all[1]->put(action, result_with(3)).ok());
  CAF_CHECK(all[1]->put(action, result_with(4)).ok());
  const auto gone = digest::of("gone");
  CAF_CHECK(all[1]->put(gone, result_with(0)).ok());
  CAF_CHECK(all[1]->remove(gone).ok());
  const auto again = reopen();
  CAF_CHECK_EQUAL(again->get(action)->exit_code(), 4); // the last
  CAF_CHECK(absl::IsNotFound(again->get(gone).status()));
}

CAF_TEST(results of the first format are taken over) {
  const auto old = folder.path() / "cache/results/SHA256" / action.hash().substr(0, 2);
  write_text(old / (action.hash() + "-6"), encode_result(result_with(7)));
  write_text(old / "foreign", "left alone");
  all[1] = nullptr;
  const auto store =
      *make_filesystem_result_store({.root = folder.path() / "cache", .background = false});
  CAF_CHECK_EQUAL(store->get(action)->exit_code(), 7);
  CAF_CHECK_EQUAL(count_files(folder.path() / "cache/results"), 1u);
}

CAF_TEST(the results that nobody asks for go when there is no room) {
  all[1] = nullptr;
  const auto store = *make_filesystem_result_store({.root = folder.path() / "cache",
                                                    .max_bytes = 4 << 20,
                                                    .background = false,
                                                    .calls = std::make_shared<failing_disk>()});
  auto large = result_with(0);
  large.set_stdout_raw(std::string(50'000, 'x'));
  const auto name = [](int i) { return digest::of("action " + std::to_string(i)); };
  for (int i = 0; i < 200; ++i) {
    CAF_CHECK(store->put(name(i), large).ok());
    CAF_CHECK(i < 5 || store->get(name(i % 5)).ok()); // the first five are asked for
    CAF_CHECK(store->flush().ok());
  }
  for (int i = 0; i < 5; ++i)
    CAF_CHECK(store->get(name(i)).ok());
  int left = 0;
  for (int i = 5; i < 200; ++i)
    left += store->get(name(i)).ok() ? 1 : 0;
  CAF_CHECK(left > 20 && left < 80);
  std::uintmax_t bytes = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder.path() / "cache/segments"))
    bytes += each.file_size();
  CAF_CHECK(bytes < 5 << 20);
}

CAF_TEST(a torn or damaged record counts as none) {
  CAF_CHECK(all[1]->put(action, result_with(0)).ok());
  auto store = reopen();
  CAF_CHECK(store->get(action).ok());
  store = nullptr;
  const auto whole = read_text(segment());
  const auto list = folder.path() / "cache/segments/00000001.idx";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_text(segment(), whole.substr(0, length));
    std::filesystem::remove(list);
    CAF_CHECK(absl::IsNotFound(reopen()->get(action).status()));
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    write_text(segment(), flipped);
    std::filesystem::remove(list);
    const auto found = reopen()->get(action);
    CAF_CHECK(absl::IsNotFound(found.status()) || found->exit_code() == 0);
  }
}

CAF_TEST(a record is never a bare protobuf) {
  CAF_CHECK(!decode_result("").ok());
  CAF_CHECK(!decode_result(result_with(0).SerializeAsString()).ok());
  CAF_CHECK_EQUAL(decode_result(encode_result(result_with(5)))->exit_code(), 5);
}

CAF_TEST_FIXTURE_SCOPE_END()
