#define CAF_SUITE storage.damaged_frames
#include "test/storage/compressed_store_fixture.hpp"

#include <fcntl.h>
#include <unistd.h>

/// What lies compressed in a store and is not what was written.

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(damaged_frames_tests, compressed_store_fixture)

CAF_TEST(whatever byte of a compressed file rots - it is never served wrong) {
  const auto bytes = text(frame + 50'000);
  const auto id = put(bytes);
  const auto good = read_text(packed_file(id));
  const auto table = good.size() - 8 - 2 * 8 - 32;
  std::vector<std::size_t> places;
  for (auto at = table; at < good.size(); ++at)
    places.push_back(at);
  for (std::size_t at = 0; at < table; at += 997)
    places.push_back(at);
  int given_up = 0;
  for (const auto at : places) {
    auto bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    spoil(id, bad);
    CAF_CHECK(is_missing(id));
    CAF_CHECK_EQUAL(lost, ++given_up);
    CAF_CHECK(!std::filesystem::exists(packed_file(id)));
    CAF_CHECK(put(bytes) == id); // mended
    CAF_CHECK(get(id) == bytes);
  }
  CAF_CHECK_EQUAL(count_files(root() / "quarantine"), 1u); // always the same name
}

CAF_TEST(a compressed file that was cut short is missing also for the next process) {
  const auto bytes = text(3 * frame);
  const auto id = put(bytes);
  const auto good = read_text(packed_file(id));
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{31}, std::size_t{32},
                                 std::size_t{60}, good.size() / 2, good.size() - 1}) {
    spoil(id, good.substr(0, size));
    open();
    CAF_CHECK(is_missing(id));
    CAF_CHECK(put(bytes) == id);
  }
}

CAF_TEST(a table that lies about sizes is found out before it is believed) {
  const auto bytes = text(3 * frame);
  const auto id = put(bytes);
  const auto good = read_text(packed_file(id));
  const std::string frames = good.substr(0, good.size() - 8 - 3 * 8 - 32);
  const auto end = static_cast<std::uint64_t>(frames.size());
  const auto with = [&](std::int64_t plain, std::int64_t per_frame,
                        const std::vector<std::uint64_t>& ends) {
    return frames
           + encode_frame_table({.plain_bytes = plain,
                                 .frame_bytes = per_frame,
                                 .packed_bytes = static_cast<std::int64_t>(end)},
                                ends);
  };
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto big = std::uint64_t{1} << 62;
  const std::vector<std::string> lies{
      with(size + 1, frame, {end / 3, end / 3 * 2, end}),     // another blob's
      with(std::int64_t{1} << 60, frame, {1, 2, end}),        // an immense one's
      with(size, 1, {1, 2, 3}),                               // frames of a byte
      with(size, std::int64_t{1} << 31, {end, end, end}),     // immense ones
      with(size, frame, {big, big + 1, big + 2}),             // beyond the file
      with(size, frame, {end, end / 2, end}),                 // backwards
      with(size, frame, {0, 0, 0}),                           // empty
      with(size, frame, {end / 3, end / 3 * 2, end + 10'000}) // into the table
  };
  for (const auto& lie : lies) {
    spoil(id, lie);
    CAF_CHECK(is_missing(id));
    CAF_CHECK(put(bytes) == id);
    CAF_CHECK(get(id) == bytes);
  }
}

CAF_TEST(a frame that rots under an open reader is lost and never served) {
  const auto bytes = text(2 * frame);
  const auto id = put(bytes);
  const auto reader = *store->open(id);
  std::filesystem::permissions(packed_file(id), std::filesystem::perms::owner_all);
  const int writable = ::open(packed_file(id).c_str(), O_WRONLY);
  CAF_CHECK(::pwrite(writable, "rotten", 6, 5000) == 6);
  ::close(writable);
  std::string part(1000, ' ');
  CAF_CHECK(reader->read_at(frame + 10, part).ok()); // another frame
  CAF_CHECK(absl::IsDataLoss(reader->read_at(10, part).status()));
  CAF_CHECK(!store->index().contains(id));
  CAF_CHECK_EQUAL(count_files(root() / "quarantine"), 1u);
}

CAF_TEST(a reader of a damaged file does not take away the one that was stored again) {
  const auto bytes = text(2 * frame);
  const auto id = put(bytes);
  const auto first = *store->open(id);
  const auto second = *store->open(id);
  std::filesystem::permissions(packed_file(id), std::filesystem::perms::owner_all);
  const int writable = ::open(packed_file(id).c_str(), O_WRONLY);
  CAF_CHECK(::pwrite(writable, "rotten", 6, 5000) == 6);
  ::close(writable);
  std::string part(1000, ' ');
  CAF_CHECK(absl::IsDataLoss(first->read_at(10, part).status()));
  CAF_CHECK(put(bytes) == id);
  CAF_CHECK(absl::IsDataLoss(second->read_at(10, part).status()));
  CAF_CHECK(store->index().contains(id));
  CAF_CHECK(get(id) == bytes);
  CAF_CHECK_EQUAL(lost, 1);
}

CAF_TEST(foreign files with the name of a compressed blob are no harm) {
  store = nullptr;
  const auto id = digest::of("a blob of no bytes that anybody has");
  write_text(root() / "blobs/SHA256" / id.hash().substr(0, 2)
                 / (id.hash() + "-9223372036854775807.zst"),
             text(20'000));
  write_text(packed_file(id), "");
  write_text(packed_file(id) += ".zst", "foreign");
  open();
  CAF_CHECK(is_missing(id));
  CAF_CHECK(is_missing(digest(digest_function::sha256, id.raw_hash(), 9223372036854775807)));
  CAF_CHECK(std::filesystem::exists(packed_file(id) += ".zst"));
}

CAF_TEST_FIXTURE_SCOPE_END()
