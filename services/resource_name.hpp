#pragma once
#include "storage/reapi.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace expbuild {

/// A ByteStream resource name, taken apart:
///
///     [instance/]blobs/[fn/]HASH/SIZE                              to read
///     [instance/]uploads/UUID/blobs/[fn/]HASH/SIZE[/anything]      to write
///     ... compressed-blobs/COMPRESSOR/ in place of blobs/          either
///
/// The first keyword decides: the trailing part may hold keywords, an instance name may hold
/// slashes but no keyword. It has at most 4 KiB. Whether instance, function and hash are ours is
/// not decided here.
struct resource_name {
  enum class kind { read, write };

  kind what = kind::read;
  std::string instance;
  std::string upload_id;  ///< of a write; any text without a slash
  std::string compressor; ///< "zstd", ...; empty for plain bytes
  /// UNKNOWN when the name has no such segment: infer it from the hash.
  reapi::DigestFunction::Value function = reapi::DigestFunction::UNKNOWN;
  reapi::Digest blob; ///< hash as it stands, size not negative

  /// INVALID_ARGUMENT says which part is wrong, and shows the forms above.
  static absl::StatusOr<resource_name> parse(std::string_view text);
};

} // namespace expbuild
