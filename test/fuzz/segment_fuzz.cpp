#include "storage/disk/segment_log.hpp"
#include "test/fuzz/fuzz.hpp"

#include <filesystem>
#include <fstream>
#include <vector>

using namespace expbuild;

namespace {

/// One folder for all inputs, in memory where that is possible.
const std::filesystem::path& folder() {
  static const auto path = [] {
    auto name = std::string(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp")
                + "/expbuild-fuzz-XXXXXX";
    return std::filesystem::path(::mkdtemp(name.data()));
  }();
  return path;
}

void write(const char* name, std::string_view bytes) {
  std::ofstream(folder() / name, std::ios::binary | std::ios::trunc) << bytes;
}

} // namespace

/// The first byte says how much is the list of a full segment (with the right checksum: what
/// nothing but a bug could write), the rest is the segment.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto items = rest.substr(0, std::min<std::size_t>(data[0], rest.size()));
  write("00000001.seg", "expbuild-seg 1\n\n" + std::string(rest.substr(items.size())));
  if (items.empty())
    std::filesystem::remove(folder() / "00000001.idx");
  else
    write("00000001.idx",
          "expbuild-idx 1\n\n" + std::string(digest::of(items).raw_hash()) + std::string(items));
  const auto whole = [](const digest& id, std::string_view bytes) {
    return digest::of(bytes, id.function()) == id;
  };
  const auto root = disk_folder::open_root(real_disk(), folder().string());
  const auto log = segment_log::open(
      *root, {.segment_bytes = 1 << 20, .sync = false, .whole = whole, .lost = {}});
  require(log.ok(), "a log opens whatever it holds");
  std::vector<std::pair<digest, blob_place>> found;
  (*log)->load({.found =
                    [&found](const digest& id, blob_place place, std::uint32_t) {
                      found.emplace_back(id, place);
                      return true;
                    },
                .removed = [](const digest&, blob_place) {},
                .damaged = [](const digest&) {},
                .failed = [](const absl::Status&) {}});
  for (const auto& [id, place] : found) {
    const auto bytes = (*log)->read(place, id, std::min<std::int64_t>(id.size_bytes(), 1000));
    require(!items.empty() || (bytes.ok() && whole(id, *bytes)), "what a scan finds is whole");
  }
  return 0;
}
