#include "storage/inlining.hpp"

#include <algorithm>
#include <unordered_set>

namespace expbuild {

namespace {

/// Clients take messages of 4 MiB; some of that is around the result.
constexpr std::int64_t max_result_bytes = (4 << 20) - (64 << 10);

/// Reads a blob within what is left of the budget; empty when it can not or must not be read.
std::string read_within(backend& from, const reapi::Digest& wire, digest_function function,
                        std::int64_t& budget) {
  const auto id = digest::from_proto(wire, function);
  if (!id.ok() || id->is_empty_blob() || id->size_bytes() > budget)
    return {};
  auto bytes = read_blob(from, *id, budget);
  if (!bytes.ok())
    return {};
  budget -= id->size_bytes();
  return *std::move(bytes);
}

/// Of inlined bytes only digests stay; what has no digest is here and nowhere else.
void clear_inlined(reapi::ActionResult& result) {
  if (result.has_stdout_digest())
    result.clear_stdout_raw();
  if (result.has_stderr_digest())
    result.clear_stderr_raw();
  for (auto& file : *result.mutable_output_files())
    file.clear_contents();
}

} // namespace

bool needs_reading(const inline_request& asked, const reapi::ActionResult& result) {
  return (asked.stdout_raw && result.stdout_digest().size_bytes() > 0)
         || (asked.stderr_raw && result.stderr_digest().size_bytes() > 0)
         || (!asked.output_files.empty() && result.output_files_size() > 0);
}

void apply_inlining(backend& from, const inline_request& asked, digest_function function,
                    reapi::ActionResult& result, std::int64_t budget) {
  clear_inlined(result);
  const auto bare = static_cast<std::int64_t>(result.ByteSizeLong());
  budget = std::min(budget, max_result_bytes - bare);
  if (asked.stdout_raw && result.has_stdout_digest())
    result.set_stdout_raw(read_within(from, result.stdout_digest(), function, budget));
  if (asked.stderr_raw && result.has_stderr_digest())
    result.set_stderr_raw(read_within(from, result.stderr_digest(), function, budget));
  const std::unordered_set<std::string> files(asked.output_files.begin(), asked.output_files.end());
  for (auto& file : *result.mutable_output_files())
    if (files.contains(file.path()))
      file.set_contents(read_within(from, file.digest(), function, budget));
}

} // namespace expbuild
