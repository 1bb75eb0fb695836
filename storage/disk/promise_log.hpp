#pragma once
#include "storage/blob_index.hpp"
#include "storage/disk/disk_file.hpp"

#include <mutex>
#include <string_view>

namespace expbuild {

/// Who was promised what, and used how often, for the process that comes after this one: 12 bytes a
/// promise, appended as they are made, written anew when they have become many. Never synced: a
/// power cut ends the builds that they were made to. Blocks; one thread at a time.
class promise_log {
public:
  explicit promise_log(disk_folder folder) : folder_(std::move(folder)) {}

  /// What the last process left goes into the index; the log begins anew with what is in it then.
  /// Not `all_seen`: the index lacks blobs that are stored, so that their promises stay in the log.
  absl::Status load(blob_index& into, bool all_seen);

  /// Writes down what was promised since the last call; everything, when that has failed.
  absl::Status save(blob_index& from);

private:
  absl::Status start_anew(const blob_index& from);
  absl::Status append(std::string_view bytes);

  const disk_folder folder_;
  disk_file file_;
  std::int64_t size_ = 0;
  std::int64_t size_anew_ = 0;
};

} // namespace expbuild
