#include "storage/bounded_decompressor.hpp"

#include <algorithm>

namespace expbuild {

bounded_decompressor::bounded_decompressor(codec how, std::int64_t max_bytes)
    : how_(how), max_(max_bytes), buffer_(new char[buffer_size]) {}

absl::StatusOr<std::string_view> bounded_decompressor::next() {
  while (trouble_.ok() && (!rest_.empty() || may_hold_more_)) {
    // One byte more than allowed, and no further: that is how a bomb shows itself.
    const auto room = 1 + std::min<std::int64_t>(buffer_size - 1, max_ - given_);
    const std::span<char> out(buffer_.get(), static_cast<std::size_t>(room));
    const auto done = unpack(rest_, out);
    if (!done.ok()) {
      trouble_ = done.status();
      break;
    }
    rest_.remove_prefix(done->taken);
    taken_ += static_cast<std::int64_t>(done->taken);
    given_ += static_cast<std::int64_t>(done->given);
    may_hold_more_ = done->given == out.size();
    if (given_ > max_)
      trouble_ = damaged("it unpacks to more than the expected " + std::to_string(max_) + " bytes");
    else if (done->given > 0)
      return std::string_view(out.data(), done->given);
  }
  if (!trouble_.ok())
    return trouble_;
  return std::string_view();
}

absl::Status bounded_decompressor::finish() const {
  if (!trouble_.ok() || can_end_here())
    return trouble_;
  return damaged(taken_ == 0 ? "it is empty" : "its end is missing");
}

absl::Status bounded_decompressor::damaged(const std::string& what) const {
  return absl::InvalidArgumentError("the " + to_string(how_)
                                    + " stream can not be unpacked at byte "
                                    + std::to_string(taken_) + ": " + what);
}

absl::Status bounded_decompressor::no_memory() {
  return absl::ResourceExhaustedError("there is no memory to unpack a blob; try again");
}

} // namespace expbuild
