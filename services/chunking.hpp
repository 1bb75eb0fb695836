#pragma once
#include "services/work_turns.hpp"
#include "storage/bounded_cache.hpp"
#include "storage/chunker.hpp"
#include "storage/digest.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace expbuild {

struct chunking_options {
  fast_cdc_2020_options fast_cdc{};
  rep_max_cdc_options rep_max{};
  /// Blobs that are split or spliced at once: each holds some MiB.
  std::size_t max_at_once = 4;
  std::size_t max_waiting = 1000;
  /// Of one SpliceBlob.
  int max_chunks = 100'000;
  /// Of lists of chunks that are kept in memory, so that a blob that everybody asks for is split
  /// once.
  std::size_t remembered_bytes = 16 << 20;
};

/// The chunks of a blob, in order.
using chunk_list = std::shared_ptr<const std::vector<digest>>;

/// What all calls of SplitBlob and SpliceBlob share. Any thread.
class chunking {
public:
  explicit chunking(chunking_options options)
      : options_(options),
        turns_(std::make_shared<work_turns>(options.max_at_once, options.max_waiting)),
        fast_cdc_lists_(options.remembered_bytes / 2),
        rep_max_lists_(options.remembered_bytes / 2) {}

  const chunking_options& options() const noexcept { return options_; }
  work_turns& turns() const noexcept { return *turns_; }

  /// Calls `begin` when it may work. RESOURCE_EXHAUSTED when too many wait.
  absl::Status take_turn(std::function<void(work_turns::turn)> begin) const;

  /// The function that is used when the client prefers this one.
  static reapi::ChunkingFunction::Value choose(reapi::ChunkingFunction::Value preferred);

  absl::StatusOr<std::unique_ptr<chunker>> make(reapi::ChunkingFunction::Value function) const;

  /// Bytes that the function's chunks have on average.
  std::int64_t average_bytes(reapi::ChunkingFunction::Value function) const;

  /// Null when it is not remembered. Whether the chunks are still stored is another question.
  chunk_list find(const digest& blob, reapi::ChunkingFunction::Value function);
  void remember(const digest& blob, reapi::ChunkingFunction::Value function, chunk_list chunks);

private:
  using lists = bounded_cache<digest, chunk_list>;
  lists& lists_of(reapi::ChunkingFunction::Value function);

  const chunking_options options_;
  const std::shared_ptr<work_turns> turns_;
  std::mutex guard_; // of the lists
  lists fast_cdc_lists_;
  lists rep_max_lists_;
};

} // namespace expbuild
