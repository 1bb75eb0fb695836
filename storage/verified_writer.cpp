#include "storage/verified_writer.hpp"

#include "storage/digest_check.hpp"

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
  if (auto status = check_sent(id_, hash_.finish()); !status.ok())
    return status;
  return publish();
}

} // namespace expbuild
