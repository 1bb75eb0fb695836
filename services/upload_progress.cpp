#include "services/upload_progress.hpp"

#include <limits>

namespace expbuild {

namespace {

/// What may come on the wire: packed bytes can be more than the plain ones (noise, many small
/// frames), but not without end.
std::int64_t most_on_wire(const wire_blob& blob) {
  constexpr std::int64_t spare = 1 << 20;
  const auto plain = blob.id.size_bytes();
  if (!blob.packed)
    return plain;
  return plain > std::numeric_limits<std::int64_t>::max() / 4 ? plain : 2 * plain + spare;
}

} // namespace

void upload_progress::take_up(std::int64_t left, std::int64_t write_offset) {
  kept = left;
  received = 0 < write_offset && write_offset < left ? write_offset : left;
}

absl::Status upload_progress::take(const write_message& message) {
  if (!message.resource_name().empty() && message.resource_name() != name)
    return absl::InvalidArgumentError(where() + ": a later message names another resource, '"
                                      + message.resource_name().substr(0, 300) + "'");
  if (finished)
    return absl::InvalidArgumentError(where() + ": a message follows finish_write");
  if (message.write_offset() != received)
    return absl::InvalidArgumentError(where() + ": write_offset is "
                                      + std::to_string(message.write_offset()) + ", but "
                                      + std::to_string(received) + " bytes have been received");
  received += static_cast<std::int64_t>(message.data_size());
  finished = message.finish_write();
  if (const auto most = most_on_wire(blob); received > most)
    return absl::InvalidArgumentError(where() + ": more than " + std::to_string(most)
                                      + " bytes were sent");
  return absl::OkStatus();
}

std::int64_t upload_progress::size_when_finished() const {
  const auto plain = blob.id.size_bytes();
  return blob.packed ? client.size_when_finished(received, plain) : plain;
}

std::int64_t upload_progress::size_when_there() const {
  const auto plain = blob.id.size_bytes();
  return blob.packed ? client.size_when_there(plain) : plain;
}

} // namespace expbuild
