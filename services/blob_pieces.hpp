#pragma once
#include "services/piece_memory.hpp"
#include "services/wire_blob.hpp"
#include "storage/backend.hpp"

#include <absl/status/statusor.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <optional>

namespace expbuild {

/// What of a blob is asked for, in plain bytes.
struct blob_range {
  wire_blob blob;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// The bytes of one download as they go over the wire, in pieces of 1 MiB and less (of plain
/// bytes). One thread at a time.
class blob_pieces {
public:
  virtual ~blob_pieces() = default;

  /// Everything was given out.
  virtual bool at_end() const noexcept = 0;

  /// The next piece when it takes neither waiting nor work; on any thread. nullopt: call `next`.
  virtual absl::StatusOr<std::optional<grpc::Slice>> try_next() = 0;

  /// The next piece; in the I/O pool. DATA_LOSS when the blob ends too early, else as its reader.
  virtual absl::StatusOr<grpc::Slice> next() = 0;
};

/// As they are or packed, as the range says. A whole blob that is stored as the stream that is
/// asked for is sent as it is stored.
std::unique_ptr<blob_pieces> make_blob_pieces(std::shared_ptr<piece_memory> memory,
                                              std::shared_ptr<blob_reader> reader,
                                              const blob_range& range);

} // namespace expbuild
