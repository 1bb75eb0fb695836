#pragma once
#include "storage/digest.hpp"
#include "storage/disk/store_folders.hpp"

#include <array>
#include <functional>
#include <mutex>
#include <optional>

namespace expbuild {

/// Files that exist to be linked into input roots, where the blob's own file will not do: copies of
/// packed blobs, and executable copies (mode 0555) of all. Made where they are first wanted, and
/// linked from there ever after; removed with their blob, gone at the next start. Blocks; safe from
/// any number of threads.
class link_farm {
public:
  explicit link_farm(const store_folders& folders) : folders_(folders) {}

  using filler = std::function<absl::Status(const disk_file&)>;

  /// Makes the blob appear as `name` beneath `dirfd`. `fill` writes its bytes, if they are asked
  /// for.
  absl::Status link(const digest& id, bool executable, int dirfd, const std::string& name,
                    const filler& fill);

  absl::Status remove(const digest& id);

private:
  absl::StatusOr<disk_folder> shard_of(const digest& id);
  absl::Status make(const disk_folder& shard, const std::string& file, bool executable, int dirfd,
                    const std::string& name, const filler& fill) const;

  const store_folders folders_;
  std::mutex guard_;
  std::array<std::optional<disk_folder>, 256> shards_;
};

} // namespace expbuild
