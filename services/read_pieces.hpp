#pragma once
#include "storage/backend.hpp"

#include <algorithm>

namespace expbuild {

/// Calls `take(bytes)` for the bytes of `from` between two offsets, piece by piece as `buffer` is
/// large; stops at the first status that is not OK, of reading or of taking. Blocks.
template <class Take>
absl::Status read_pieces(blob_reader& from, std::int64_t begin, std::int64_t end,
                         std::span<char> buffer, Take take) {
  while (begin < end) {
    const auto part = buffer.first(
        static_cast<std::size_t>(std::min<std::int64_t>(end - begin, std::ssize(buffer))));
    const auto n = from.read_at(begin, part);
    if (!n.ok())
      return n.status();
    if (*n < part.size())
      return absl::DataLossError("blob " + from.id().to_string() + " ends at byte "
                                 + std::to_string(begin + static_cast<std::int64_t>(*n)));
    if (auto status = take(std::string_view(part.data(), part.size())); !status.ok())
      return status;
    begin += std::ssize(part);
  }
  return absl::OkStatus();
}

} // namespace expbuild
