#pragma once
#include "storage/backend.hpp"
#include "storage/hasher.hpp"

namespace expbuild {

/// What every backend's writer must do alike: count, hash while the bytes go by, and publish only
/// what is exactly what its digest says. A backend adds where the bytes go.
class verified_writer : public blob_writer {
public:
  explicit verified_writer(const digest& id) : id_(id), hash_(id.function()) {}

  std::int64_t size() const noexcept final { return size_; }
  absl::Status append(std::string_view bytes) final;
  absl::Status commit() final;

protected:
  const digest& id() const noexcept { return id_; }

private:
  virtual absl::Status take(std::string_view bytes) = 0;
  virtual absl::Status publish() = 0;

  digest id_;
  hasher hash_;
  std::int64_t size_ = 0;
  bool spoilt_ = false; // a failed append can not be mended
};

} // namespace expbuild
