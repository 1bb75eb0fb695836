#pragma once
#include "storage/backend.hpp"

namespace expbuild {

/// A blob whose bytes are in memory.
class memory_reader : public blob_reader {
public:
  memory_reader(const digest& id, blob_bytes bytes) : id_(id), bytes_(std::move(bytes)) {}

  const digest& id() const noexcept override { return id_; }
  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) override;
  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) override;

private:
  digest id_;
  blob_bytes bytes_;
};

} // namespace expbuild
