#pragma once
#include "storage/disk/disk_file.hpp"
#include "storage/disk/segment_record.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace expbuild {

/// One file of records, NUMBER.seg, and once it is full NUMBER.idx, which says what is in it.
/// Readers may hold it longer than the log that it belongs to. Reading is safe from any thread;
/// appending and sealing is the log's, one at a time.
class segment_file {
public:
  /// A new, empty one.
  static absl::StatusOr<std::shared_ptr<segment_file>> create(const disk_folder& folder,
                                                              std::uint32_t number);
  /// One that the folder has.
  static absl::StatusOr<std::shared_ptr<segment_file>> open(const disk_folder& folder,
                                                            std::uint32_t number);

  std::uint32_t number() const noexcept { return number_; }

  /// Bytes of whole records, and what comes before the first.
  std::int64_t size() const noexcept { return size_; }

  /// Adds records that `append_record` made; nothing of them counts when it fails.
  absl::Status append(std::string_view records);

  absl::Status sync() { return file_.sync(); }

  /// Forgets what lies behind `size`.
  absl::Status cut(std::int64_t size);

  /// The payload of the record at `offset`, which must be `key`'s. `payload`: how long it is, or a
  /// guess. NOT_FOUND when another record lies there, DATA_LOSS when none does.
  absl::StatusOr<std::string> read(std::int64_t offset, const digest& key,
                                   std::int64_t payload) const;

  using visitor = std::function<absl::Status(const record_header&, std::uint32_t offset,
                                             std::string_view payload)>;

  /// Goes through all records with their payloads, up to the end or the first that is not whole,
  /// and answers where that is. `visit` may end it before, with an error.
  absl::StatusOr<std::int64_t> scan(const visitor& visit) const;

  static std::string name_of(std::uint32_t number);
  /// 0 when this is no segment's name.
  static std::uint32_t number_of(const std::string& name);

private:
  segment_file(std::uint32_t number, disk_file file, std::int64_t size)
      : number_(number), file_(std::move(file)), size_(size) {}

  const std::uint32_t number_;
  disk_file file_;
  std::atomic<std::int64_t> size_;
};

} // namespace expbuild
