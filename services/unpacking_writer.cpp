#include "services/unpacking_writer.hpp"

namespace expbuild {

unpacking_writer::unpacking_writer(std::shared_ptr<blob_writer> below, codec how, std::int64_t size,
                                   std::shared_ptr<memory_budget> memory)
    : below_(std::move(below)), stream_(make_decompressor(how, size)), memory_(std::move(memory)) {}

absl::Status unpacking_writer::append(std::string_view packed) {
  stream_->feed(packed);
  return go_on();
}

absl::Status unpacking_writer::go_on() {
  has_more_ = true;
  for (std::size_t written = 0; written < step_bytes;) {
    const auto piece = stream_->next();
    if (!piece.ok())
      return piece.status();
    has_more_ = !piece->empty();
    if (!has_more_)
      break;
    if (auto status = below_->append(*piece); !status.ok())
      return status;
    written += piece->size();
  }
  return memory_.become(stream_->memory_bytes());
}

absl::Status unpacking_writer::commit() {
  const auto status = stream_->finish();
  return status.ok() ? below_->commit() : status;
}

} // namespace expbuild
