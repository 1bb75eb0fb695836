#define CAF_SUITE storage.results
#include "storage/result_record.hpp"
#include "storage/result_store.hpp"
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

  std::filesystem::path record() const {
    return folder.path() / "cache/results/SHA256" / action.hash().substr(0, 2)
           / (action.hash() + "-6");
  }
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
  const auto again = *make_filesystem_result_store({folder.path() / "cache"});
  CAF_CHECK_EQUAL(again->get(action)->exit_code(), 3);
}

CAF_TEST(a torn or damaged record counts as none and is removed) {
  CAF_CHECK(all[1]->put(action, result_with(0)).ok());
  const auto whole = read_text(record());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_text(record(), whole.substr(0, length));
    CAF_CHECK(absl::IsNotFound(all[1]->get(action).status()));
    CAF_CHECK(!std::filesystem::exists(record()));
  }
  auto flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  write_text(record(), flipped);
  CAF_CHECK(absl::IsNotFound(all[1]->get(action).status()));
}

CAF_TEST(a record is never a bare protobuf) {
  CAF_CHECK(!decode_result("").ok());
  CAF_CHECK(!decode_result(result_with(0).SerializeAsString()).ok());
  CAF_CHECK_EQUAL(decode_result(encode_result(result_with(5)))->exit_code(), 5);
}

CAF_TEST_FIXTURE_SCOPE_END()
