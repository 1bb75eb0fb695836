#include "services/chunking.hpp"

namespace expbuild {

using reapi::ChunkingFunction;

ChunkingFunction::Value chunking::choose(ChunkingFunction::Value preferred) {
  return preferred == ChunkingFunction::REP_MAX_CDC ? preferred : ChunkingFunction::FAST_CDC_2020;
}

absl::StatusOr<std::unique_ptr<chunker>> chunking::make(ChunkingFunction::Value function) const {
  return function == ChunkingFunction::REP_MAX_CDC ? make_rep_max_cdc(options_.rep_max)
                                                   : make_fast_cdc_2020(options_.fast_cdc);
}

absl::Status chunking::take_turn(std::function<void(work_turns::turn)> begin) const {
  if (turns_->take(std::move(begin)))
    return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "too many blobs are being split or spliced; try again, or transfer the blob whole");
}

std::int64_t chunking::average_bytes(ChunkingFunction::Value function) const {
  return function == ChunkingFunction::REP_MAX_CDC
             ? options_.rep_max.min_bytes / 3 * 4 // the minimum by Rényi's parking constant
             : options_.fast_cdc.average_bytes;
}

chunking::lists& chunking::lists_of(ChunkingFunction::Value function) {
  return function == ChunkingFunction::REP_MAX_CDC ? rep_max_lists_ : fast_cdc_lists_;
}

chunk_list chunking::find(const digest& blob, ChunkingFunction::Value function) {
  const std::lock_guard lock(guard_);
  const auto* found = lists_of(function).find(blob);
  return found ? *found : nullptr;
}

void chunking::remember(const digest& blob, ChunkingFunction::Value function, chunk_list chunks) {
  const std::lock_guard lock(guard_);
  const auto bytes = chunks->size() * sizeof(digest);
  lists_of(function).put(blob, std::move(chunks), bytes);
}

} // namespace expbuild
