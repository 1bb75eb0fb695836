#pragma once
#include <cstdint>

namespace expbuild {

/// Where a blob lies: in a segment, or (segment 0) in a file of its own. Of a file, `offset` tells
/// how the blob lies in it: 0 as it is, else compressed, and so many blocks is what the file takes.
struct blob_place {
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;

  bool in_a_file() const { return segment == 0; }
  bool is_compressed() const { return segment == 0 && offset != 0; }

  /// A blob has one file, however it lies in it.
  friend bool operator==(const blob_place& a, const blob_place& b) {
    return a.segment == b.segment && (a.segment == 0 || a.offset == b.offset);
  }
};

/// What so many bytes take of a disk in a file of their own.
std::int64_t file_charge(std::int64_t size_bytes);

/// Of a compressed blob in a file of so many bytes.
blob_place compressed_place(std::int64_t file_bytes);

/// What a blob of that size takes of a disk in a file at `place`.
std::int64_t file_charge(blob_place place, std::int64_t size_bytes);

} // namespace expbuild
