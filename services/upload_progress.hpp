#pragma once
#include "services/dialect.hpp"
#include "services/wire_blob.hpp"
#include "services/write_message.hpp"

#include <absl/status/status.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace expbuild {

/// What one upload is of and how much of it has come. Plain data.
struct upload_progress {
  wire_blob blob;
  std::string name;          ///< the resource name
  dialect client;            ///< what it expects in the answer, if it packs
  std::int64_t received = 0; ///< bytes on the wire, with what is being stored
  std::int64_t kept = 0;     ///< what an earlier stream left, which this one may send again in part
  bool finished = false;     ///< finish_write has come

  /// Goes on with what an earlier stream left, `left` bytes, from where the client does: it may
  /// have asked how much was stored a moment before the last of it was.
  void take_up(std::int64_t left, std::int64_t write_offset);

  /// Counts this message. INVALID_ARGUMENT when it does not go on where the one before ended.
  absl::Status take(const write_message& message);

  // ---- what committed_size says ----

  /// Of an upload that ends here and may go on later. Packed ones begin again.
  std::int64_t committed() const noexcept { return blob.packed ? 0 : std::max(received, kept); }
  /// The blob was stored by this upload.
  std::int64_t size_when_finished() const;
  /// The blob is there, whatever came.
  std::int64_t size_when_there() const;

  /// For messages to people.
  std::string where() const { return "writing '" + name.substr(0, 300) + "'"; }
};

} // namespace expbuild
