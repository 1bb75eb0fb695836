#include "storage/disk/segment_log.hpp"
#include "test/fuzz/fuzz.hpp"
#include "test/fuzz/memory_folder.hpp"

#include <algorithm>
#include <vector>

using namespace expbuild;

namespace {

using found_records = std::vector<std::pair<digest, blob_place>>;

constexpr const char* segment_start = "expbuild-seg 1\n\n";
constexpr const char* list_start = "expbuild-idx 1\n\n";

bool is_whole(const digest& id, std::string_view bytes) {
  return digest::of(bytes, id.function()) == id;
}

std::unique_ptr<segment_log> open_log() {
  const auto root = disk_folder::open_root(real_disk(), memory_folder().string());
  auto log = segment_log::open(
      *root, {.segment_bytes = 1 << 20, .sync = false, .whole = is_whole, .lost = {}});
  require(log.ok(), "a log opens whatever it holds");
  return *std::move(log);
}

/// What a start finds.
struct findings {
  found_records found;
  found_records removed;
  std::size_t damaged = 0;

  explicit findings(segment_log& log) {
    log.load(
        {.found =
             [this](const digest& id, blob_place place, std::uint32_t) {
               found.emplace_back(id, place);
               return true;
             },
         .removed = [this](const digest& id, blob_place place) { removed.emplace_back(id, place); },
         .damaged = [this](const digest&) { ++damaged; },
         .failed = [](const absl::Status&) { require(false, "a segment can be read"); }});
  }
};

void check_readable(const segment_log& log, const found_records& records) {
  for (const auto& [id, place] : records) {
    const auto bytes = log.read(place, id, std::min<std::int64_t>(id.size_bytes(), 1000));
    require(bytes.ok() && is_whole(id, *bytes), "what a scan finds is whole");
  }
}

/// Moves every second record, and throws the segment away.
void check_compacting(segment_log& log, const found_records& records) {
  found_records moved;
  const auto status = log.compact(
      1,
      {.is_wanted = [](const digest&, blob_place place) { return place.offset % 2 == 0; },
       .moved =
           [&moved](const digest& id, blob_place, blob_place to) {
             moved.emplace_back(id, to);
             return true;
           },
       .unreadable = [](const digest&, blob_place,
                        const absl::Status&) { require(false, "what was found can be moved"); }});
  require(status.ok(), "a segment that was read can be moved");
  const auto wanted = std::count_if(records.begin(), records.end(),
                                    [](const auto& x) { return x.second.offset % 2 == 0; });
  require(std::ssize(moved) == wanted, "what is wanted is moved");
  check_readable(log, moved);
}

/// A record a byte: its payload's length, whether it is a removal, whether it is damaged, and the
/// function; then the payload.
struct written_records {
  std::string bytes;
  std::size_t whole = 0;
  std::size_t removals = 0;
  std::size_t damaged = 0;

  explicit written_records(std::string_view from) {
    while (!from.empty()) {
      const auto how = static_cast<unsigned char>(from.front());
      from.remove_prefix(1);
      auto payload = from.substr(0, how & 0x1f);
      from.remove_prefix(payload.size());
      const auto key =
          digest::of(payload, (how & 0x80) != 0 ? digest_function::sha512 : digest_function::sha1);
      const bool removal = (how & 0x20) != 0;
      const bool torn = (how & 0x40) != 0 && !payload.empty();
      append_record(bytes, {removal ? record_kind::removed : record_kind::bytes, key, payload});
      if (removal)
        removals += payload.size() == 8;
      else
        ++(torn ? damaged : whole);
      if (torn && !removal)
        bytes.back() ^= 1;
    }
  }
};

void check_records(std::string_view text) {
  const written_records records(text);
  write_in_memory("00000001.seg", segment_start + records.bytes);
  auto log = open_log();
  const findings scanned(*log);
  require(scanned.found.size() == records.whole && scanned.removed.size() == records.removals
              && scanned.damaged == records.damaged,
          "a scan finds what was written and tells what is damaged");
  check_readable(*log, scanned.found);
  log = open_log();
  const findings listed(*log);
  require(listed.found == scanned.found && listed.removed == scanned.removed,
          "a list says what the scan found");
  check_compacting(*log, listed.found);
}

/// What nothing but a bug could write: a list with the right checksum, and any segment.
void check_bytes(std::string_view items, std::string_view segment) {
  write_in_memory("00000001.seg", segment_start + std::string(segment));
  if (!items.empty())
    write_in_memory("00000001.idx",
                    list_start + std::string(digest::of(items).raw_hash()) + std::string(items));
  const auto log = open_log();
  const findings start(*log);
  if (items.empty())
    return check_readable(*log, start.found);
  for (const auto& [id, place] : start.found)
    log->read(place, id, std::min<std::int64_t>(id.size_bytes(), 1000)).IgnoreError();
}

} // namespace

/// The first byte says how much is the list of a full segment, the rest is the segment; from 128
/// on the rest is made records.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const auto& entry : std::filesystem::directory_iterator(memory_folder()))
    std::filesystem::remove(entry);
  if (data[0] >= 128) {
    check_records(rest);
  } else {
    const auto items = rest.substr(0, std::min<std::size_t>(data[0], rest.size()));
    check_bytes(items, rest.substr(items.size()));
  }
  return 0;
}
