#pragma once
#include "storage/digest.hpp"
#include "storage/disk/store_folders.hpp"

#include <atomic>
#include <cstdint>
#include <functional>

namespace expbuild {

/// Files that exist to be linked into input roots, where the blob's own file will not do: copies of
/// packed and compressed blobs, and executable ones (mode 0555) of all. Made where they are first
/// wanted, and linked from there ever after; removed with their blob, gone at the next start.
/// Blocks; safe from any number of threads.
class link_farm {
public:
  explicit link_farm(const store_folders& folders) : folders_(folders) {}

  using filler = std::function<absl::Status(const disk_file&)>;

  /// Makes the blob appear as `name` beneath `dirfd`. `fill` writes its bytes, if they are asked
  /// for. UNIMPLEMENTED where links can not be: copy then.
  absl::Status link(const digest& id, bool executable, int dirfd, const std::string& name,
                    const filler& fill);

  absl::Status remove(const digest& id);

  /// What all of them take of the disk.
  std::int64_t bytes() const { return bytes_; }

private:
  absl::Status make(const digest& id, bool executable, int dirfd, const std::string& name,
                    const filler& fill);

  const store_folders folders_;
  std::atomic<std::int64_t> bytes_{0};
};

} // namespace expbuild
