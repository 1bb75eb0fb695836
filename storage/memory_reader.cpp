#include "storage/memory_reader.hpp"

#include <algorithm>
#include <cstring>

namespace expbuild {

absl::StatusOr<std::size_t> memory_reader::read_at(std::int64_t offset, std::span<char> out) {
  if (offset < 0 || static_cast<std::size_t>(offset) >= bytes_->size())
    return 0;
  const auto from = static_cast<std::size_t>(offset);
  const auto n = std::min(out.size(), bytes_->size() - from);
  std::memcpy(out.data(), bytes_->data() + from, n);
  return n;
}

absl::StatusOr<std::optional<std::size_t>> memory_reader::try_read_at(std::int64_t offset,
                                                                      std::span<char> out) {
  return *read_at(offset, out);
}

} // namespace expbuild
