#include "storage/disk/promise_log.hpp"
#include "storage/little_endian.hpp"
#include "test/fuzz/fuzz.hpp"
#include "test/fuzz/memory_folder.hpp"

#include <vector>

using namespace expbuild;

namespace {

constexpr store_seconds now = 1'800'000'000;
constexpr store_seconds usual = 1000;
constexpr store_seconds latest = now + 24 * 3600 * 2;

using notes = std::vector<blob_index::promise_note>;

/// Some blobs, small and large.
const std::vector<digest>& blobs() {
  static const auto all = [] {
    std::vector<digest> made;
    for (char c = 'a'; c < 'm'; ++c)
      made.push_back(digest::of(std::string(1, c)));
    return made;
  }();
  return all;
}

std::uint64_t prefix_of(const digest& id) {
  auto bytes = id.raw_hash().substr(0, 8);
  return take_number<std::uint64_t>(bytes);
}

/// An index that knows the blobs, after a start with this log.
notes loaded(std::string_view log) {
  blob_index index(
      {.max_bytes = 1 << 20, .usual_promise = usual, .grace = 0, .clock = [] { return now; }});
  for (const auto& id : blobs())
    index.add_found(id, {1, 1}, 1);
  write_in_memory("log", log);
  const auto folder = disk_folder::open_root(real_disk(), memory_folder().string());
  require(promise_log(*folder).load(index, true).ok(), "a log can be read whatever it holds");
  auto all = index.all_promises();
  for (std::size_t i = 0; i < all.size(); ++i) {
    require(all[i].until <= latest, "no promise is for ever");
    require(i == 0 || all[i - 1].until <= all[i].until, "they come in the order of their ends");
  }
  require(all.size() <= blobs().size(), "nothing is promised that is not there");
  for (const auto& x : index.choose_victims(1 << 20, 100, now))
    require(x.promised_until <= now, "what is promised to somebody stays");
  return all;
}

} // namespace

/// A log. The first byte says which of its notes are of blobs that are there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  std::string log(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::size_t note = 12;
  for (std::size_t i = 0; (i + 1) * note <= log.size(); ++i)
    if ((data[0] >> (i % 8) & 1) != 0) {
      std::string prefix;
      put_number(prefix,
                 prefix_of(blobs()[static_cast<unsigned char>(log[i * note]) % blobs().size()]));
      log.replace(i * note, prefix.size(), prefix);
    }
  const auto first = loaded(log);
  const auto left = read_in_memory("log");
  const auto second = loaded(left);
  require(first.size() == second.size(), "the log that was begun anew has the same promises");
  require(left.size() == first.size() * note, "and nothing else");
  return 0;
}
