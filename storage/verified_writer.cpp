#include "storage/verified_writer.hpp"

namespace expbuild {

absl::Status verified_writer::append(std::string_view bytes) {
  if (size_ + static_cast<std::int64_t>(bytes.size()) > id_.size_bytes()) {
    spoilt_ = true;
    return absl::InvalidArgumentError("more than the " + std::to_string(id_.size_bytes())
                                      + " bytes that digest " + id_.to_string() + " announces");
  }
  auto status = take(bytes);
  if (!status.ok()) {
    spoilt_ = true;
    return status;
  }
  hash_.update(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status verified_writer::commit() {
  if (spoilt_)
    return absl::FailedPreconditionError("blob " + id_.to_string()
                                         + " can not be stored: writing it failed before");
  const auto actual = hash_.finish();
  if (!(actual == id_))
    return absl::InvalidArgumentError("the bytes sent have digest " + actual.to_string() + ", not "
                                      + id_.to_string() + ": nothing was stored");
  return publish();
}

} // namespace expbuild
