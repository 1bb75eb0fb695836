#pragma once
#include "actors/operation_messages.hpp"
#include "actors/reply.hpp"
#include "actors/trace.hpp"
#include "storage/digest.hpp"
#include "storage/inlining.hpp"
#include "storage/purge_report.hpp"
#include "storage/store_clock.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

/// What is said to the action cache, and what it answers (see messages.hpp).

namespace expbuild {

/// The result of this action, complete or not at all. (answer: NOT_FOUND for a miss)
struct get_result {
  trace_context trace;
  digest action;
  inline_request inlined;
};

/// INTERNAL: a result as it is stored, with all blobs that it names. `changes` is the cache's count
/// of changes when it began to read it; one that was just stored has none, but the count of
/// removals when that began.
struct result_known {
  trace_context trace;
  digest action;
  cached_result result;
  std::shared_ptr<const std::vector<digest>> named;
  std::optional<std::uint64_t> changes;
  std::uint64_t removals = 0;
  store_seconds stored_at = 0;
};

/// Keep this result. FAILED_PRECONDITION when a blob that it names is absent.
struct put_result {
  trace_context trace;
  digest action;
  cached_result result;
  request_metadata asker = {}; ///< whoever asked for the action; what is known of it
};

/// Remove all results that fit, or (dry run) say which they are. (answer: purge_report, when that
/// has reached the disk; RESOURCE_EXHAUSTED while another purge goes on)
struct purge_results {
  trace_context trace;
  result_filter filter;
  bool dry_run = false;
  /// True: nobody waits any more, it ends soon. Null: somebody always does.
  std::shared_ptr<const std::atomic<bool>> given_up = {};
};

/// INTERNAL: a purge removed these from the store, and it may be over.
struct results_removed {
  trace_context trace;
  std::vector<digest> actions;
  bool over = false;
};

} // namespace expbuild

#define EXPBUILD_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(expbuild::type)
EXPBUILD_MESSAGE(get_result)
EXPBUILD_MESSAGE(result_known)
EXPBUILD_MESSAGE(put_result)
EXPBUILD_MESSAGE(purge_results)
EXPBUILD_MESSAGE(results_removed)
EXPBUILD_MESSAGE(reply<expbuild::cached_result>)
EXPBUILD_MESSAGE(reply<expbuild::purge_report>)
#undef EXPBUILD_MESSAGE
