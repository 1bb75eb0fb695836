#pragma once
#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"
#include "services/call_budget.hpp"
#include "services/chunking.hpp"
#include "services/disk_gauges.hpp"
#include "services/memory_budget.hpp"
#include "services/piece_memory.hpp"
#include "storage/backend.hpp"
#include "storage/codec.hpp"
#include "storage/digest.hpp"
#include "storage/input_tree.hpp"
#include "storage/io_pool.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace expbuild {

class upload_board;

/// What every service stands on. Filled in once by the program, then shared and never changed; it
/// outlives the server. The actors, the store, the pool, the meters and the board must all be set.
struct service_context {
  /// Requests name this instance, or none (which means this one).
  std::string instance_name;
  std::string version;
  std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();

  /// Announced digest functions; at least one.
  std::vector<digest_function> digest_functions{digest_function::sha256};
  /// Announced compressors, the preferred one first; plain bytes are always taken and sent.
  std::vector<codec> codecs{codec::zstd, codec::deflate};
  /// As configured, in bytes. What clients are told is `batch_limit()`.
  std::int64_t max_batch_total_size_bytes = 4 << 20;
  absolute_symlinks symlinks = absolute_symlinks::disallowed;
  bool exec_enabled = true;
  bool action_cache_update_enabled = true;

  cas_actor cas;
  action_cache_actor action_cache;
  dispatcher_actor dispatcher;
  scheduler_actor scheduler;
  supervisor_actor supervisor;
  recorder_actor recorder;
  sentinel_actor sentinel; ///< null: nobody watches for what stalls

  /// For the bytes themselves; what is present, the cas actor knows.
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io;
  std::shared_ptr<metrics> meters;
  /// Who writes which blob by ByteStream.
  std::shared_ptr<upload_board> uploads;
  /// What clients can make us hold.
  std::shared_ptr<call_budget> calls = std::make_shared<call_budget>(20'000, 10'000);
  std::shared_ptr<piece_memory> pieces = std::make_shared<piece_memory>(std::size_t{256} << 20);
  /// Answers of blobs and directories in one message, which gRPC holds until the client takes them.
  std::shared_ptr<memory_budget> answers = std::make_shared<memory_budget>(std::size_t{1} << 30);
  std::shared_ptr<memory_budget> unpacking = std::make_shared<memory_budget>(std::size_t{1} << 30);
  /// How blobs are split and spliced.
  std::shared_ptr<chunking> chunks = std::make_shared<chunking>(chunking_options{});
  /// An upload of which nothing comes for so long (at most twice that) is ended, and kept.
  std::chrono::milliseconds upload_patience{60'000};
  /// What the stores' filesystems have left.
  std::shared_ptr<disk_gauges> disks =
      std::make_shared<disk_gauges>(std::vector<disk_gauges::place>{}, nullptr);

  /// The largest sum of blob sizes in one batch request. A sixteenth of what is configured stays
  /// free for framing, so that a full answer of usual blobs stays below the message limit that
  /// clients have.
  std::int64_t batch_limit() const noexcept {
    return std::max<std::int64_t>(1, max_batch_total_size_bytes - max_batch_total_size_bytes / 16);
  }
};

using context_ptr = std::shared_ptr<const service_context>;

/// gRPC messages to clients stay below this wherever their fields allow it: older clients refuse
/// more than 4 MiB.
inline constexpr std::int64_t max_outbound_bytes = (4 << 20) - 1024;

} // namespace expbuild
