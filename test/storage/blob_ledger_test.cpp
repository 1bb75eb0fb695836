#define CAF_SUITE storage.blob_ledger
#include "storage/blob_ledger.hpp"

#include <caf/test/unit_test.hpp>

using namespace expbuild;

namespace {

constexpr blob_place in_a_file{};
constexpr blob_place packed{.segment = 3, .offset = 64};
constexpr store_seconds now = 1'000'000;

digest blob(int i, std::int64_t size = 5000) {
  return digest(digest_function::sha256, digest::of(std::to_string(i)).raw_hash(), size);
}

struct fixture {
  blob_ledger ledger{100 * 4096, 1000};

  void check_sums(std::uint64_t blobs, std::uint64_t files, std::int64_t bytes,
                  std::int64_t file_bytes) {
    const auto x = ledger.stats();
    CAF_CHECK_EQUAL(x.blobs, blobs);
    CAF_CHECK_EQUAL(x.files, files);
    CAF_CHECK_EQUAL(x.bytes, bytes);
    CAF_CHECK_EQUAL(x.file_bytes, file_bytes);
    CAF_CHECK_EQUAL(x.packed_bytes > 0, blobs > files);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(blob_ledger_tests, fixture)

CAF_TEST(the sums are those of the blobs that are stored) {
  ledger.add(blob(1), in_a_file, 0, 0);
  ledger.add(blob(2, 100), packed, 100, 0);
  check_sums(2, 1, 5100, 8192);
  ledger.add(blob(1), in_a_file, 7, 0); // stored once more
  check_sums(2, 1, 5100, 8192);
  CAF_CHECK(!ledger.add_found(blob(1), in_a_file, 0));
  CAF_CHECK(ledger.add_found(blob(3), compressed_place(1), 0));
  check_sums(3, 2, 10'100, 8192 + 4096);
  CAF_CHECK(ledger.remove(blob(2, 100), packed).has_value());
  CAF_CHECK(ledger.remove(blob(3), in_a_file).has_value());
  check_sums(1, 1, 5000, 8192);
}

CAF_TEST(what is about to go is counted no more and taken off only once) {
  ledger.add(blob(1), in_a_file, 0, 0);
  ledger.add(blob(2), in_a_file, 0, 0);
  ledger.doom(ledger.find(blob(1)));
  check_sums(1, 1, 5000, 8192);
  CAF_CHECK_EQUAL(ledger.choose_victims(1 << 20, 10, now).size(), 1u);
  check_sums(0, 0, 0, 0);
  ledger.add(blob(1), in_a_file, 0, 0); // it comes back
  check_sums(1, 1, 5000, 8192);
  CAF_CHECK(ledger.remove(blob(2), in_a_file).has_value());
  check_sums(1, 1, 5000, 8192);
}

CAF_TEST(a blob that is packed or becomes a file is counted where it lies now) {
  ledger.add(blob(1), packed, 5000, 0);
  check_sums(1, 0, 5000, 0);
  const auto before = ledger.add(blob(1), in_a_file, 0, 0);
  CAF_REQUIRE(before.has_value());
  CAF_CHECK(before->place == packed);
  check_sums(1, 1, 5000, 8192);
}

CAF_TEST(of one blob in two segments the newer counts) {
  ledger.add_found(blob(1), packed, 5000);
  CAF_CHECK(!ledger.replace_older(blob(1), {.segment = 2, .offset = 900}, 5000));
  CAF_CHECK(!ledger.replace_older(blob(1), packed, 5000));
  CAF_CHECK(!ledger.replace_older(blob(2), packed, 5000)); // not known
  CAF_CHECK(ledger.replace_older(blob(1), {.segment = 3, .offset = 65}, 5000)->place == packed);
  CAF_CHECK_EQUAL(ledger.place_of(ledger.find(blob(1))).offset, 65u);
  check_sums(1, 0, 5000, 0);
}

CAF_TEST(a new blob is no victim until its time is over) {
  ledger.add(blob(1), in_a_file, 0, now + 60);
  CAF_CHECK_EQUAL(ledger.stats().promised_bytes, 8192);
  CAF_CHECK(ledger.choose_victims(1, 1, now).empty());
  const auto gone = ledger.choose_victims(1, 1, now + 60);
  CAF_REQUIRE_EQUAL(gone.size(), 1u);
  CAF_CHECK(gone.front().id == blob(1));
  CAF_CHECK_EQUAL(gone.front().promised_until, now + 60);
}

CAF_TEST_FIXTURE_SCOPE_END()
