#pragma once
#include <cstdint>
#include <string>

namespace expbuild {

/// What clients expect where the protocol leaves it open: one row a client, known by its
/// RequestMetadata (tool_details.tool_name). Nothing else in services/ asks who a client is.
struct dialect {
  /// The committed_size of a compressed upload.
  enum class committed_size { unknown, compressed, uncompressed };
  committed_size of_compressed = committed_size::unknown;

  /// By tool name, whatever its case and version ("bazel", "siso/1.6.4"); what is not known gets
  /// the answers that every client accepts.
  static dialect of(const std::string& tool_name);

  /// What a finished compressed upload is answered with: `received` counts this stream's compressed
  /// bytes after its first write_offset.
  std::int64_t size_when_finished(std::int64_t received, std::int64_t uncompressed) const;

  /// What a compressed upload of a blob that is there already is answered with.
  std::int64_t size_when_there(std::int64_t uncompressed) const;
};

} // namespace expbuild
