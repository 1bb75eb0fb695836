#include "storage/digest_check.hpp"

namespace expbuild {

bool is_whole(const digest& id, std::string_view bytes) {
  return id.size_bytes() == static_cast<std::int64_t>(bytes.size())
         && digest::of(bytes, id.function()) == id;
}

absl::Status check_sent(const digest& announced, const digest& actual) {
  if (actual == announced)
    return absl::OkStatus();
  return absl::InvalidArgumentError("the bytes sent have digest " + actual.to_string() + ", not "
                                    + announced.to_string() + ": nothing was stored");
}

absl::Status check_sent(const digest& announced, std::string_view bytes) {
  return check_sent(announced, digest::of(bytes, announced.function()));
}

} // namespace expbuild
