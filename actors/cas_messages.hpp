#pragma once
#include "actors/reply.hpp"
#include "actors/space_budget.hpp"
#include "actors/trace.hpp"
#include "storage/backend.hpp"
#include "storage/digest.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What is said to the cas actor, and what it answers (see messages.hpp).

namespace expbuild {

/// Which of these are absent? The others are promised: they stay for the time of a lease from now
/// on. (answer: missing_blobs)
struct find_missing {
  trace_context trace;
  std::vector<digest> digests;
};
struct missing_blobs {
  std::vector<digest> digests;
};

/// Which blob has this hash, whatever its size? (answer: nullopt where absent) Like find_missing it
/// extends the life of what it finds.
struct find_by_hash {
  trace_context trace;
  digest_function function = digest_function::sha256;
  std::string raw_hash;
};

/// Open these for reading. (answer: opened_blobs, in the order asked; NOT_FOUND where absent)
struct open_blobs {
  trace_context trace;
  std::vector<digest> digests;
};
using opened_blobs = std::vector<absl::StatusOr<std::shared_ptr<blob_reader>>>;

/// May these be written? (answer: admitted_writes)
struct admit_writes {
  trace_context trace;
  std::vector<digest> digests;
  /// Each by a writer of its own, which counts; else all of them count as one.
  bool one_by_one = false;
};
/// Gives room and a share of the write budget back when it goes.
class write_permit;
struct admitted_writes {
  std::vector<bool> wanted; ///< in the order asked; false: it is there already, and promised
  std::shared_ptr<const write_permit> permit;
};

/// Open these for writing. (answer: begun_writes, in the order asked)
struct begin_writes {
  trace_context trace;
  std::vector<digest> digests;
};
/// A writer, or null where the blob is already there (and promised). RESOURCE_EXHAUSTED beyond the
/// write budget, and when the store is full of what was promised.
using begun_writes = std::vector<absl::StatusOr<std::shared_ptr<blob_writer>>>;

/// These were committed to the store: promise them. (answer: once they are; RESOURCE_EXHAUSTED for
/// what nobody admitted when more than the store may hold would be promised then)
struct blobs_stored {
  trace_context trace;
  std::vector<digest> digests;
  /// Room was reserved by `admit_writes`. It is not for what is only known when it is there, as the
  /// outputs of actions.
  bool admitted = true;
};

/// These turned out to be absent or damaged.
struct blobs_lost {
  trace_context trace;
  std::vector<digest> digests;
};

/// INTERNAL: what a permit allowed is written or given up.
struct writes_ended {
  trace_context trace;
  std::uint64_t count = 0;
  room reserved;
};

/// INTERNAL: blobs were evicted, or the store was measured.
struct space_measured {
  trace_context trace;
  store_usage usage;
  bool eviction_over = false;
  std::size_t evicted = 0;
  std::int64_t evicted_bytes = 0;
  /// For how long nobody had asked for the one that was asked for last.
  std::optional<std::chrono::seconds> youngest_evicted = std::nullopt;
  absl::Status status;
};

struct cas_stats {
  std::uint64_t blobs = 0;
  std::int64_t bytes = 0;
  std::uint64_t open_writes = 0;
  std::int64_t used_bytes = 0; ///< of the disk
  std::int64_t max_bytes = 0;
  std::int64_t promised_bytes = 0; ///< of the disk, by blobs that can not be evicted now
  bool index_complete = true;
};
struct get_cas_stats {
  trace_context trace;
};

} // namespace expbuild

#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(find_missing)
EXPBUILD_MESSAGE(find_by_hash)
EXPBUILD_MESSAGE(open_blobs)
EXPBUILD_MESSAGE(admit_writes)
EXPBUILD_MESSAGE(begin_writes)
EXPBUILD_MESSAGE(blobs_stored)
EXPBUILD_MESSAGE(blobs_lost)
EXPBUILD_MESSAGE(writes_ended)
EXPBUILD_MESSAGE(space_measured)
EXPBUILD_MESSAGE(get_cas_stats)
EXPBUILD_MESSAGE(reply<expbuild::missing_blobs>)
EXPBUILD_MESSAGE(reply<std::optional<expbuild::digest>>)
EXPBUILD_MESSAGE(reply<expbuild::opened_blobs>)
EXPBUILD_MESSAGE(reply<expbuild::admitted_writes>)
EXPBUILD_MESSAGE(reply<expbuild::begun_writes>)
EXPBUILD_MESSAGE(reply<expbuild::cas_stats>)
#undef EXPBUILD_MESSAGE
