#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

/// What the daemon counts. The one header over the metrics library: everything else says what
/// happened, in one small verb, and knows no metric names. All functions are safe on any thread,
/// take well under a microsecond and do not fail; only `expose` does real work.

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

enum class result_lookup : std::uint8_t { hit, miss, incomplete };

/// Where the time of an action goes.
enum class action_stage : std::uint8_t { queue, fetch, exec, upload };

/// The counters of one rpc method. Lives as long as its `metrics`.
class rpc_meter {
public:
  rpc_meter(const rpc_meter&) = delete;
  rpc_meter& operator=(const rpc_meter&) = delete;
  ~rpc_meter();

  /// "package.Service/Method", for logs.
  const std::string& method() const noexcept { return method_; }

  void started();
  /// `code` is the gRPC status code that the call ended with.
  void handled(int code, std::chrono::nanoseconds took);

private:
  friend class metrics;
  struct impl;
  rpc_meter(std::string method, std::unique_ptr<impl> x);
  const std::string method_;
  std::unique_ptr<impl> impl_;
};

class metrics {
public:
  /// `version` is shown as expbuild_build_info. The process counts as started now.
  explicit metrics(const std::string& version = "unknown");
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // Actions and workers.
  void action_ended(action_outcome how);
  void action_retried();
  void stage_took(action_stage stage, std::chrono::nanoseconds time);
  void queue_length(std::size_t actions);
  void workers(worker_condition state, std::size_t count);
  void worker_restarted();
  void stall_found(stall_kind what);

  // Action cache.
  void result_looked_up(result_lookup what);
  void result_written();

  // Blobs. `bytes_in` and `bytes_out` are what clients sent and received.
  void blobs(std::size_t count, std::int64_t bytes);
  /// What the store takes of its disk and may take, and what of it can not be evicted now.
  void store_space(std::int64_t used, std::int64_t limit, std::int64_t promised);
  void blobs_evicted(std::size_t count);
  void blob_lost(); ///< damaged, vanished, or never reached the disk
  void writes_refused(std::size_t count);
  void store_trouble(); ///< an error of its disk that no caller heard of
  void blob_found_or_missing(std::size_t found, std::size_t missing);
  void blob_read(bool found);
  void blob_written(bool ok);
  void bytes_in(std::size_t bytes);
  void bytes_out(std::size_t bytes);

  /// The meter of a method, made on first use: ask for it once, at start, and keep it.
  rpc_meter& rpc(const std::string& service, const std::string& method);

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
