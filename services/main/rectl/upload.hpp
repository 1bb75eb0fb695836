#pragma once
#include "services/main/rectl/client.hpp"

#include <filesystem>
#include <functional>
#include <unordered_map>
#include <variant>

namespace expbuild {

/// Blobs to be sent: bytes in memory or files on disk, each digest once.
class upload_set {
public:
  digest add(std::string bytes);
  absl::StatusOr<digest> add_file(const std::filesystem::path& path);

  /// Adds a directory with everything in it; returns the digest of its root Directory.
  absl::StatusOr<digest> add_directory(const std::filesystem::path& path);

  /// Of all blobs, each counted once.
  std::int64_t total_bytes() const;

  /// Hears of bytes that need not be sent any more: sent, or there already.
  using on_progress = std::function<void(std::int64_t)>;

  /// Sends what the server lacks: small blobs in batches, large ones by ByteStream, which is taken
  /// up where it broke off.
  absl::Status send(client& to, const on_progress& progress = {}) const;

private:
  using source = std::variant<std::string, std::filesystem::path>;
  absl::Status send_some(client& to, const std::vector<digest>& ids,
                         const on_progress& progress) const;
  absl::Status send_batch(client& to, const std::vector<digest>& ids) const;
  absl::Status send_stream(client& to, const digest& id, const on_progress& progress) const;
  absl::StatusOr<std::string> load(const digest& id) const;
  absl::StatusOr<std::string> load(const digest& id, std::int64_t offset, std::int64_t size) const;

  std::unordered_map<digest, source> blobs_;
};

} // namespace expbuild
