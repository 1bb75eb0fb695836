#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

/// What the daemon counts. The one header over the metrics library: everything else says what
/// happened, in one small verb, and knows no metric names. All functions are safe on any thread,
/// take well under a microsecond and do not fail; only `expose` does real work. docs/metrics.md
/// says what each metric means. No label ever holds what a client says.

namespace expbuild {

enum class worker_condition : std::uint8_t; // actors/messages.hpp
enum class stall_kind : std::uint8_t;       // actors/stall.hpp

/// How an operation ended.
enum class action_outcome : std::uint8_t {
  success,
  nonzero, ///< ran, and failed by itself
  timeout,
  cancelled,
  infra_error, ///< our trouble
  cache_hit,
  rejected ///< could not be run as it was asked for
};

/// What became of an Execute at first.
enum class execute_outcome : std::uint8_t {
  cache_hit,
  merged, ///< with one that was under way
  queued,
  rejected
};

/// Why an action may not wait for a worker.
enum class queue_refusal : std::uint8_t { full, no_worker };

enum class result_lookup : std::uint8_t { hit, miss, incomplete };

/// Where the time of an action goes.
enum class action_stage : std::uint8_t { queue, fetch, exec, upload };

/// Why a worker had to be started again.
enum class restart_reason : std::uint8_t { crash, dependency, by_operator };

/// Who answers a request over HTTP.
enum class http_route : std::uint8_t { cache, api, ui, metrics, status, health, other };

/// Whose filesystem.
enum class store_kind : std::uint8_t { cas, action_cache };

/// The counters of one rpc method. Lives as long as its `metrics`.
class rpc_meter {
public:
  struct impl;
  rpc_meter(std::string method, std::unique_ptr<impl> x);
  rpc_meter(const rpc_meter&) = delete;
  rpc_meter& operator=(const rpc_meter&) = delete;
  ~rpc_meter();

  /// "package.Service/Method", for logs.
  const std::string& method() const noexcept { return method_; }

  void started();
  /// `code` is the gRPC status code that the call ended with.
  void handled(int code, std::chrono::nanoseconds took);

private:
  const std::string method_;
  std::unique_ptr<impl> impl_;
};

/// The counters of one type of worker ("host", "docker"). Lives as long as its `metrics`.
class pool_meter {
public:
  struct impl;
  explicit pool_meter(std::unique_ptr<impl> x);
  pool_meter(const pool_meter&) = delete;
  pool_meter& operator=(const pool_meter&) = delete;
  ~pool_meter();

  /// How many are there: those that are in none of the conditions that are told are starting.
  void alive(std::size_t count);
  /// Every condition but `starting`.
  void workers(worker_condition state, std::size_t count);
  void worker_restarted(restart_reason why);
  void worker_quarantined();

  /// An action has waited so long for one of these workers, which takes it now.
  void waited(std::chrono::nanoseconds time);
  void stage_took(action_stage stage, std::chrono::nanoseconds time);
  void peak_memory(std::int64_t bytes); ///< of an action
  void outputs(std::int64_t bytes);     ///< of an action, that had to be stored

  /// Before it is exposed.
  void settle();

private:
  std::unique_ptr<impl> impl_;
};

class metrics {
public:
  /// `version` is shown as expbuild_build_info, with the versions of `parts` by their names. The
  /// process counts as started now.
  explicit metrics(const std::string& version = "unknown",
                   const std::map<std::string, std::string>& parts = {});
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // Actions and their queue.
  void execute_requested(execute_outcome what);
  void execute_waiters(std::size_t streams);
  void action_ended(action_outcome how);
  void action_retried();
  void action_refused(queue_refusal why);
  void queue_length(std::size_t actions);
  /// Since when the one waits that waits longest; none: nothing waits.
  void oldest_waits_since(std::optional<std::chrono::system_clock::time_point> when);
  /// How many wait for what no worker offers that is there now.
  void unschedulable(std::size_t actions);

  /// The meter of a type of worker, made on first use. Takes a lock: whoever needs it often keeps
  /// it. Types come from the configuration.
  pool_meter& pool(const std::string& type);

  /// Something has begun to stand still.
  void stall_found(stall_kind what);

  // Action cache.
  void result_looked_up(result_lookup what);
  void result_written();
  void results_removed(std::size_t count); ///< too old, or purged

  // Blobs. `bytes_in` and `bytes_out` are what clients sent and received.
  void blobs(std::size_t count, std::int64_t bytes);
  /// What the store takes of its disk and may take, and what of it can not be evicted now.
  void store_space(std::int64_t used, std::int64_t limit, std::int64_t promised);
  /// `youngest`: for how long nobody had asked for the one of them that was asked for last.
  void blobs_evicted(std::size_t count, std::int64_t bytes = 0,
                     std::optional<std::chrono::seconds> youngest = std::nullopt);
  void blob_stored(std::int64_t bytes);
  void blob_lost(); ///< damaged, vanished, or never reached the disk
  void open_writes(std::size_t count);
  void writes_refused(std::size_t count);
  void store_trouble(); ///< an error of its disk that no caller heard of
  void blob_found_or_missing(std::size_t found, std::size_t missing);
  void blob_read(bool found);
  void blob_written(bool ok);
  void bytes_in(std::size_t bytes);
  void bytes_out(std::size_t bytes);
  void disk(store_kind of, std::int64_t total, std::int64_t free);

  // Doors.
  /// The meter of a method, made on first use: ask for it once, at start, and keep it.
  rpc_meter& rpc(const std::string& service, const std::string& method);
  void calls_under_way(std::size_t streams, std::size_t others);
  /// What is held for clients: pieces of blobs on their way, and what is unpacked or received.
  void held_for_clients(std::size_t pieces, std::size_t buffers);
  void http_answered(http_route where, int status);
  void http_took(http_route where, std::chrono::nanoseconds time);

  /// How many operations have ended so since the start.
  std::uint64_t actions(action_outcome how) const;

  /// How many blobs were evicted since the start.
  std::uint64_t blobs_evicted() const;

  /// Everything in Prometheus' text format, numbers of the process included.
  std::string expose() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace expbuild
