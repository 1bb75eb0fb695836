#pragma once
#include "storage/disk/disk_file.hpp"
#include "storage/disk/segment_record.hpp"

#include <functional>
#include <string>

namespace expbuild {

/// What a full segment holds, record by record, without the payloads: NUMBER.idx beside NUMBER.seg.
/// Read at start in place of the segment. A list that is damaged or absent costs time only.
class segment_list {
public:
  struct item {
    record_header header;
    std::uint32_t offset = 0;
    blob_place removed; ///< of a `removed` record
  };

  void add(const record_header& header, std::uint32_t offset, blob_place removed);
  void clear();

  /// Written, synced if asked for, and moved to its final name.
  absl::Status save(const disk_folder& folder, std::uint32_t number, bool sync) const;

  using visitor = std::function<absl::Status(const item&)>;

  /// DATA_LOSS when it is damaged, NOT_FOUND when there is none; or the first error of `visit`.
  static absl::Status load(const disk_folder& folder, std::uint32_t number, const visitor& visit);

  static std::string name_of(std::uint32_t number);

private:
  std::string items_;
};

} // namespace expbuild
