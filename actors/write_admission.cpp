#include "actors/write_admission.hpp"

#include <string>

namespace expbuild {

absl::StatusOr<bool> write_admission::ask(const write_wish& x, bool index_complete) const {
  if (open_writes_ + x.count > limits_.max_open_writes)
    return absl::ResourceExhaustedError("the server is already receiving "
                                        + std::to_string(open_writes_)
                                        + " blobs, its limit; try again when some are finished");
  if (x.count == 0 || (queue_.empty() && budget_.fits(x.needed)))
    return true;
  if (auto status = may_wait(x, index_complete); !status.ok())
    return status;
  return false;
}

absl::Status write_admission::may_wait(const write_wish& x, bool index_complete) const {
  if (budget_.is_hopeless(x.needed.bytes))
    return absl::ResourceExhaustedError(
        "a write of " + std::to_string(x.needed.bytes) + " bytes is too large for a store of "
        + std::to_string(budget_.limit()) + " bytes (max_size_bytes)");
  if (!index_complete)
    return absl::UnavailableError("the store is full, and the server is still finding out what it "
                                  "holds; try again in a moment");
  if (queue_.size() >= limits_.max_waiting)
    return absl::ResourceExhaustedError("the store is full, and too many writes wait for room; "
                                        "try again in a moment");
  return absl::OkStatus();
}

bool write_admission::is_ready(const write_wish& first) const {
  return first.count == 0
         || (budget_.fits(first.needed) && open_writes_ + first.count <= limits_.max_open_writes);
}

void write_admission::begun(const write_wish& x) {
  open_writes_ += x.count;
  budget_.reserve(x.needed);
}

void write_admission::ended(std::uint64_t count, const room& reserved) {
  open_writes_ -= count;
  budget_.release(reserved);
}

absl::Status write_admission::full_of_promises(std::int64_t needed, std::int64_t promised) const {
  const bool others_fill_it = budget_.used() + needed < budget_.limit() / 10 * 9;
  if (others_fill_it)
    return absl::ResourceExhaustedError(
        "the disk of the store is full, and the " + std::to_string(promised)
        + " bytes that the store could give back are promised to clients: make room on that disk, "
          "or set a shorter lease_seconds");
  return absl::ResourceExhaustedError(
      "the store is full of blobs that clients were promised (" + std::to_string(promised) + " of "
      + std::to_string(budget_.limit())
      + " bytes): give it a larger max_size_bytes or a shorter lease_seconds");
}

} // namespace expbuild
