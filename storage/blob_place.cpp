#include "storage/blob_place.hpp"

#include <algorithm>
#include <limits>

namespace expbuild {

namespace {

constexpr std::int64_t disk_block = 4096;

std::int64_t blocks_of(std::int64_t size_bytes) {
  return (size_bytes + disk_block - 1) / disk_block;
}

} // namespace

std::int64_t file_charge(std::int64_t size_bytes) {
  return blocks_of(size_bytes) * disk_block;
}

blob_place compressed_place(std::int64_t file_bytes) {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max(); // 16 TiB
  return {.segment = 0,
          .offset =
              static_cast<std::uint32_t>(std::clamp<std::int64_t>(blocks_of(file_bytes), 1, most))};
}

std::int64_t file_charge(blob_place place, std::int64_t size_bytes) {
  return place.is_compressed() ? std::int64_t{place.offset} * disk_block : file_charge(size_bytes);
}

} // namespace expbuild
