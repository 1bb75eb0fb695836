#include "services/upload_progress.hpp"

namespace expbuild {

absl::Status upload_progress::take(const google::bytestream::WriteRequest& message) {
  if (!message.resource_name().empty() && message.resource_name() != name)
    return absl::InvalidArgumentError(where() + ": a later message names another resource, '"
                                      + message.resource_name().substr(0, 300) + "'");
  if (finished)
    return absl::InvalidArgumentError(where() + ": a message follows finish_write");
  if (message.write_offset() != received)
    return absl::InvalidArgumentError(where() + ": write_offset is "
                                      + std::to_string(message.write_offset()) + ", but "
                                      + std::to_string(received) + " bytes have been received");
  received += static_cast<std::int64_t>(message.data().size());
  finished = message.finish_write();
  if (received > id.size_bytes())
    return absl::InvalidArgumentError(where() + ": more than " + std::to_string(id.size_bytes())
                                      + " bytes were sent");
  return absl::OkStatus();
}

} // namespace expbuild
