#define CAF_SUITE storage.results
#include "storage/little_endian.hpp"
#include "storage/result_record.hpp"
#include "storage/result_store.hpp"
#include "test/support/failing_disk.hpp"
#include "test/support/folder.hpp"

#include <caf/test/unit_test.hpp>

#include <set>

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

/// As version 1 wrote it.
std::string bare_record(const reapi::ActionResult& result) {
  const auto payload = result.SerializeAsString();
  std::string record = "EXPB";
  put_number(record, std::uint32_t{1});
  put_number(record, std::uint64_t{payload.size()});
  return record.append(digest::of(payload).raw_hash()).append(payload);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(result_store_tests, fixture)

CAF_TEST(a result is found once it was put and replaced by the next) {
  for (const auto& store : all) {
    CAF_CHECK(absl::IsNotFound(store->get(action).status()));
    CAF_CHECK(store->put(action, result_with(1), {}).ok());
    CAF_CHECK(store->put(action, result_with(2), {}).ok());
    CAF_CHECK_EQUAL(store->get(action)->result.exit_code(), 2);
    CAF_CHECK(store->remove(action).ok());
    CAF_CHECK(store->remove(action).ok());
    CAF_CHECK(absl::IsNotFound(store->get(action).status()));
  }
}

CAF_TEST(results survive a restart) {
  CAF_CHECK(all[1]->put(action, result_with(3), {}).ok());
  CAF_CHECK(all[1]->put(action, result_with(4), {}).ok());
  const auto gone = digest::of("gone");
  CAF_CHECK(all[1]->put(gone, result_with(0), {}).ok());
  CAF_CHECK(all[1]->remove(gone).ok());
  const auto again = reopen();
  CAF_CHECK_EQUAL(again->get(action)->result.exit_code(), 4); // the last
  CAF_CHECK(absl::IsNotFound(again->get(gone).status()));
}

CAF_TEST(results of the first format are taken over) {
  const auto old = folder.path() / "cache/results/SHA256" / action.hash().substr(0, 2);
  write_text(old / (action.hash() + "-6"), bare_record(result_with(7)));
  write_text(old / "foreign", "left alone");
  all[1] = nullptr;
  const auto store =
      *make_filesystem_result_store({.root = folder.path() / "cache", .background = false});
  CAF_CHECK_EQUAL(store->get(action)->result.exit_code(), 7);
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
    CAF_CHECK(store->put(name(i), large, {}).ok());
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
  CAF_CHECK(all[1]->put(action, result_with(0), {}).ok());
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
    CAF_CHECK(absl::IsNotFound(found.status()) || found->result.exit_code() == 0);
  }
}

CAF_TEST(a record is never a bare protobuf) {
  CAF_CHECK(!decode_result("").ok());
  CAF_CHECK(!decode_result(result_with(0).SerializeAsString()).ok());
  CAF_CHECK_EQUAL(decode_result(encode_result(result_with(5), {}, 1))->result.exit_code(), 5);
}

CAF_TEST(a record keeps when for what and by whom a result was stored) {
  auto result = result_with(5);
  result.mutable_execution_metadata()->set_worker("host-worker-1");
  const auto record = encode_result(
      result, {.stored_at = 1'700'000'000, .mnemonic = "CppCompile", .target_id = "//a:b"}, 17);
  const auto found = decode_result(record);
  CAF_REQUIRE(found.ok());
  CAF_CHECK_EQUAL(found->result.execution_metadata().worker(), "host-worker-1");
  CAF_CHECK_EQUAL(found->origin.stored_at, 1'700'000'000u);
  CAF_CHECK_EQUAL(found->origin.mnemonic, "CppCompile");
  CAF_CHECK_EQUAL(found->origin.target_id, "//a:b");
  CAF_CHECK_EQUAL(found->serial, 17u);
  CAF_CHECK_EQUAL(found->bytes, std::ssize(record));
}

CAF_TEST(a record of version 1 counts as stored when its worker completed it) {
  auto result = result_with(5);
  CAF_CHECK_EQUAL(+decode_result(bare_record(result))->origin.stored_at, 0u); // unknown
  auto& completed = *result.mutable_execution_metadata()->mutable_worker_completed_timestamp();
  completed.set_seconds(1'600'000'000);
  const auto found = decode_result(bare_record(result));
  CAF_REQUIRE(found.ok());
  CAF_CHECK_EQUAL(found->result.exit_code(), 5);
  CAF_CHECK_EQUAL(found->origin.stored_at, 1'600'000'000u);
  for (const std::int64_t wrong : {std::int64_t{-5}, std::int64_t{1} << 40}) {
    completed.set_seconds(wrong);
    CAF_CHECK_EQUAL(+decode_result(bare_record(result))->origin.stored_at, 0u);
  }
}

CAF_TEST(a record whose version was damaged is no result of nothing) {
  auto record = encode_result(result_with(5), {}, 1);
  for (int version = 0; version < 256; ++version) {
    record[4] = static_cast<char>(version);
    CAF_CHECK(decode_result(record).ok() == (version == 2));
  }
}

CAF_TEST(a result of an unknown time or of the future counts as stored when the store was opened) {
  all[1] = nullptr;
  store_seconds now = 1'000;
  const auto open = [&] {
    return *make_filesystem_result_store({.root = folder.path() / "cache",
                                          .background = false,
                                          .calls = std::make_shared<failing_disk>(),
                                          .clock = [&now] { return now; }});
  };
  const auto known = digest::of("known");
  const auto future = digest::of("future");
  auto store = open();
  CAF_CHECK(store->put(action, result_with(0), {}).ok());
  CAF_CHECK(store->put(known, result_with(0), {.stored_at = 900}).ok());
  now = 5'000; // the system's time is ahead ...
  CAF_CHECK(store->put(future, result_with(0), {.stored_at = now}).ok());
  CAF_CHECK_EQUAL(+store->get(future)->origin.stored_at, 5'000u);
  store = nullptr;
  now = 2'000; // ... and is set right
  store = open();
  now = 2'100;
  CAF_CHECK_EQUAL(+store->get(action)->origin.stored_at, 2'000u);
  CAF_CHECK_EQUAL(+store->get(known)->origin.stored_at, 900u);
  CAF_CHECK_EQUAL(+store->get(future)->origin.stored_at, 2'000u);
}

CAF_TEST(what clients say of an action is kept but not at any length) {
  for (const auto& store : all) {
    const auto umlauts = [](int count) {
      std::string text = "x";
      for (int i = 0; i < count; ++i)
        text += "\xc3\xa4";
      return text;
    };
    CAF_CHECK(store
                  ->put(action, result_with(0),
                        {.stored_at = 1, .mnemonic = umlauts(100), .target_id = umlauts(1000)})
                  .ok());
    const auto found = store->get(action);
    CAF_REQUIRE(found.ok());
    CAF_CHECK_EQUAL(found->origin.mnemonic, umlauts(63)); // 127 bytes: no half of a character
    CAF_CHECK_EQUAL(found->origin.target_id, umlauts(255));
  }
}

CAF_TEST(only the record that was looked at is removed) {
  for (const auto& store : all) {
    CAF_CHECK(store->put(action, result_with(1), {}).ok());
    const auto seen = store->peek(action)->serial;
    CAF_CHECK(store->put(action, result_with(1), {}).ok()); // the same result, stored anew
    CAF_CHECK(!*store->remove_record(action, seen));
    CAF_CHECK(store->get(action).ok());
    CAF_CHECK(*store->remove_record(action, store->peek(action)->serial));
    CAF_CHECK(absl::IsNotFound(store->get(action).status()));
    CAF_CHECK(!*store->remove_record(action, seen));
  }
}

CAF_TEST(a record that was removed stays removed after a restart) {
  CAF_CHECK(all[1]->put(action, result_with(1), {}).ok());
  CAF_CHECK(*all[1]->remove_record(action, all[1]->peek(action)->serial));
  CAF_CHECK(absl::IsNotFound(reopen()->get(action).status()));
}

CAF_TEST(results are listed some at a time and each once) {
  std::set<digest> put;
  for (int i = 0; i < 25; ++i)
    put.insert(digest::of("action " + std::to_string(i)));
  for (const auto& store : all) {
    for (const auto& each : put)
      CAF_CHECK(store->put(each, result_with(0), {}).ok());
    std::vector<digest> listed;
    result_cursor from;
    for (auto some = store->list(from, 10); !some.empty(); some = store->list(from, 10)) {
      CAF_CHECK(some.size() <= 10);
      listed.insert(listed.end(), some.begin(), some.end());
    }
    CAF_CHECK_EQUAL(listed.size(), put.size());
    CAF_CHECK(std::set<digest>(listed.begin(), listed.end()) == put);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
