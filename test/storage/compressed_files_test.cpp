#define CAF_SUITE storage.compressed_files
#include "storage/codec.hpp"
#include "test/storage/compressed_store_fixture.hpp"
#include "test/storage/link_checks.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace expbuild;
using namespace expbuild::test;

CAF_TEST_FIXTURE_SCOPE(compressed_files_tests, compressed_store_fixture)

CAF_TEST(blobs of every size around the edges of frames are what they were) {
  std::vector<std::size_t> sizes{16385, 20'000};
  for (const auto edge : {frame, 2 * frame, mib, mib + frame, 2 * mib, 3 * mib})
    sizes.insert(sizes.end(), {edge - 1, edge, edge + 1});
  for (const auto size : sizes)
    for (const std::size_t piece : {std::size_t{7000}, frame, mib, 2 * mib + 3, size}) {
      const auto bytes = text(size, static_cast<unsigned>(size + piece));
      const auto id = put_in_pieces(bytes, piece);
      CAF_CHECK(is_packed(id));
      CAF_CHECK(get(id) == bytes);
      CAF_CHECK(std::filesystem::file_size(packed_file(id)) < size / 2);
    }
  open();
  CAF_CHECK(
      store->for_each([this](const digest& id) { CAF_CHECK(digest::of(get(id)) == id); }).ok());
  CAF_CHECK_EQUAL(lost, 0);
}

CAF_TEST(how a blob was cut when it was written does not show in its file) {
  const auto bytes = text(3 * mib + 12'345);
  std::string first;
  for (const std::size_t piece : {bytes.size(), std::size_t{7001}, mib, std::size_t{100'000}}) {
    const auto id = put_in_pieces(bytes, piece);
    const auto file = read_text(packed_file(id));
    CAF_CHECK(first.empty() || file == first);
    first = file;
    CAF_CHECK(store->remove(id).ok());
  }
}

CAF_TEST(any range reads as it would from the plain bytes) {
  const auto bytes = text(5 * mib + 4321);
  const auto id = put(bytes);
  const auto reader = *store->open(id);
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const auto offset = static_cast<std::size_t>(random() % (bytes.size() + 10));
    std::string part(random() % (i % 10 == 0 ? 3 * mib : 100'000), '?');
    const auto n = *reader->read_at(static_cast<std::int64_t>(offset), part);
    const auto expected = offset < bytes.size() ? bytes.substr(offset, part.size()) : "";
    CAF_CHECK_EQUAL(n, expected.size());
    CAF_CHECK(part.substr(0, n) == expected);
    CAF_CHECK(!*reader->try_read_at(static_cast<std::int64_t>(offset), part) || n == 0);
  }
}

CAF_TEST(a compressed file is a zstd stream of its blob) {
  const auto bytes = text(mib + 5);
  const auto file = read_text(packed_file(put(bytes)));
  CAF_CHECK(*decompress(codec::zstd, file, 1 << 30) == bytes);
}

CAF_TEST(a reader gives out the stored frames as one stream) {
  const auto bytes = text(2 * mib + 5);
  const auto reader = *store->open(put(bytes));
  const auto stream = reader->stored_stream(codec::zstd);
  CAF_REQUIRE(stream.bytes != nullptr);
  std::string packed(static_cast<std::size_t>(stream.size) + 100, '\0');
  CAF_CHECK_EQUAL(+*stream.bytes->read_at(0, packed), static_cast<std::size_t>(stream.size));
  packed.resize(static_cast<std::size_t>(stream.size));
  CAF_CHECK(*decompress(codec::zstd, packed, 1 << 30) == bytes);
  CAF_CHECK(reader->stored_stream(codec::deflate).bytes == nullptr);
  CAF_CHECK((*store->open(put(noise(20'000))))->stored_stream(codec::zstd).bytes == nullptr);
}

CAF_TEST(what does not shrink is stored as it is) {
  for (const std::size_t size : {std::size_t{20'000}, frame + 1, mib, 3 * mib + 5})
    for (const std::size_t piece : {std::size_t{10'000}, mib, size}) {
      const auto bytes = noise(size, static_cast<unsigned>(piece));
      const auto id = put_in_pieces(bytes, piece);
      CAF_CHECK(!is_packed(id));
      CAF_CHECK(get(id) == bytes);
    }
  CAF_CHECK(!is_packed(put(text(4500) + noise(15'500)))); // it would take as many blocks
}

CAF_TEST(a blob with a wrong hash leaves nothing behind) {
  const auto writer = *store->begin_write(digest::of(text(mib + 3, 1)));
  CAF_CHECK(writer->append(text(mib + 3, 2)).ok());
  CAF_CHECK(absl::IsInvalidArgument(writer->commit()));
  { CAF_CHECK((*store->begin_write(digest::of("x" + text(mib))))->append(text(99'999)).ok()); }
  CAF_CHECK_EQUAL(count_files(root() / "blobs"), 0u);
}

CAF_TEST(the index counts what compressed files take of the disk) {
  for (unsigned i = 1; i <= 5; ++i)
    put(text(300'000 * i, i));
  put(noise(50'000));
  std::int64_t taken = 0;
  for (const auto& each : std::filesystem::recursive_directory_iterator(root() / "blobs"))
    if (each.is_regular_file())
      taken += file_charge(static_cast<std::int64_t>(each.file_size()));
  CAF_CHECK(taken < 2'500'000);
  for (int i = 0; i < 2; ++i) {
    CAF_CHECK_EQUAL(store->index().stats().file_bytes, taken);
    CAF_CHECK_EQUAL(store->index().stats().bytes, 300'000 * 15 + 50'000);
    open(i == 0); // also when it compresses nothing more
  }
  std::vector<blob_index::victim> all;
  CAF_CHECK(
      store->for_each([&](const digest& id) { all.push_back(*store->index().doom(id)); }).ok());
  CAF_CHECK(store->evict(all).ok());
  CAF_CHECK_EQUAL(store->index().stats().file_bytes, 0);
  CAF_CHECK_EQUAL(count_files(root() / "blobs"), 0u);
}

CAF_TEST(a store of both kinds is read with any setting) {
  const auto packed = put(text(400'000));
  open(false);
  const auto plain = put(text(500'000));
  CAF_CHECK(!is_packed(plain));
  for (const bool compresses : {true, false}) {
    open(compresses);
    CAF_CHECK(get(packed) == text(400'000));
    CAF_CHECK(get(plain) == text(500'000));
    put(text(400'000)); // once more: it stays as it is
    put(text(500'000));
    CAF_CHECK(is_packed(packed));
    CAF_CHECK(!is_packed(plain));
  }
}

CAF_TEST(a blob that is about to go and comes back in the other form has one file) {
  for (const auto level : {durability::strict, durability::grouped}) {
    open(true, level);
    const auto id = put(text(400'000));
    open(false, level);
    const auto victim = *store->index().doom(id);
    put(text(400'000));
    CAF_CHECK(store->evict({&victim, 1}).ok());
    CAF_CHECK(!is_packed(id));
    CAF_CHECK(get(id) == text(400'000));
    CAF_CHECK(store->remove(id).ok());
    CAF_CHECK_EQUAL(count_files(root() / "blobs"), 0u);
  }
}

CAF_TEST(of a blob that lies there twice after a crash one is removed at the next start) {
  const auto id = put(text(400'000));
  store = nullptr;
  write_text(plain_file(id), text(400'000));
  open();
  CAF_CHECK(get(id) == text(400'000));
  is_packed(id); // one of them
  CAF_CHECK(store->remove(id).ok());
  CAF_CHECK_EQUAL(count_files(root() / "blobs"), 0u);
}

CAF_TEST(a pending compressed blob is found and settled by the next process) {
  const auto bytes = text(400'000);
  const auto id = *write_blob(*store, bytes, digest_function::sha256); // no flush
  CAF_CHECK_EQUAL(count_files(root() / "pending"), 1u);
  open(false);
  CAF_CHECK(get(id) == bytes);
  CAF_CHECK(store->flush().ok());
  CAF_CHECK(is_packed(id));
}

CAF_TEST(a pending compressed blob that a crash has torn is given up) {
  const auto bytes = text(400'000);
  const auto id = *write_blob(*store, bytes, digest_function::sha256);
  store = nullptr;
  for (const auto& each : std::filesystem::directory_iterator(root() / "pending")) {
    std::filesystem::permissions(each, std::filesystem::perms::owner_all);
    auto file = read_text(each);
    write_text(each, std::string(file.size(), '\0'));
  }
  open();
  CAF_CHECK(is_missing(id));
  CAF_CHECK_EQUAL(count_files(root() / "quarantine"), 1u);
}

// ---- inputs ------------------------------------------------------------------------------------

CAF_TEST(as an input a compressed blob is a plain file that is made once) {
  const auto bytes = text(mib + 7);
  const auto reader = *store->open(put(bytes));
  check_links(*reader, folder.path());
  CAF_CHECK(read_text(folder.path() / "one") == bytes);
  CAF_CHECK(read_text(folder.path() / "program") == bytes);
}

CAF_TEST_FIXTURE_SCOPE_END()
