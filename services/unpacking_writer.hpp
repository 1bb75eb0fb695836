#pragma once
#include "services/memory_budget.hpp"
#include "storage/backend.hpp"
#include "storage/codec.hpp"

namespace expbuild {

/// Unpacks what a client sends of one blob on its way to the blob's writer, which verifies it. A
/// few packed bytes may become gigabytes: so it goes on step by step, and whoever writes can let
/// others have the thread in between.
class unpacking_writer final : public blob_writer {
public:
  /// What one step unpacks and writes, at most.
  static constexpr std::size_t step_bytes = std::size_t{4} << 20;

  unpacking_writer(std::shared_ptr<blob_writer> below, codec how, std::int64_t size,
                   std::shared_ptr<memory_budget> memory);

  /// Plain bytes.
  std::int64_t size() const noexcept override { return below_->size(); }

  /// Takes the next packed bytes, which must stay where they are while `has_more`, and does the
  /// first step. INVALID_ARGUMENT for what can not be unpacked or becomes more than the blob,
  /// RESOURCE_EXHAUSTED when there is no memory for it; else as the writer below.
  absl::Status append(std::string_view packed) override;

  bool has_more() const noexcept { return has_more_; }
  absl::Status go_on();

  /// INVALID_ARGUMENT when the stream is not complete; else as the writer below.
  absl::Status commit() override;

private:
  const std::shared_ptr<blob_writer> below_;
  const std::unique_ptr<decompressor> stream_;
  memory_budget::share memory_;
  bool has_more_ = false;
};

} // namespace expbuild
