#include "storage/disk/write_gate.hpp"

namespace expbuild {

namespace {

constexpr std::size_t many = 3;
constexpr std::chrono::seconds soon{10};
constexpr std::chrono::seconds between_tries{5};

bool says_broken(const absl::Status& status) {
  return absl::IsInternal(status) || absl::IsPermissionDenied(status);
}

} // namespace

absl::Status write_gate::admit() {
  const std::lock_guard lock(guard_);
  if (closed_.ok())
    return closed_;
  if (const auto now = now_(); now >= next_try_) {
    next_try_ = now + between_tries;
    return absl::OkStatus();
  }
  return closed_;
}

absl::Status write_gate::ended(absl::Status status) {
  const std::lock_guard lock(guard_);
  if (status.ok()) {
    failures_.clear();
    closed_ = status;
    return status;
  }
  if (!says_broken(status))
    return status;
  if (absl::IsPermissionDenied(status))
    status = absl::UnavailableError(status.message());
  const auto now = now_();
  failures_.push_back(now);
  while (failures_.front() + soon < now)
    failures_.pop_front();
  while (failures_.size() > many)
    failures_.pop_front();
  if (failures_.size() < many)
    return status;
  closed_ = absl::UnavailableError("the store can only be read: writing failed with '"
                                   + std::string(status.message())
                                   + "'; it is tried again every few seconds");
  next_try_ = now + between_tries;
  return status;
}

} // namespace expbuild
