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

/// False also for what is never read.
bool must_wait(backend& from, const reapi::Digest& wire, digest_function function) {
  if (wire.size_bytes() <= 0 || wire.size_bytes() > max_result_bytes)
    return false;
  const auto id = digest::from_proto(wire, function);
  return id.ok() && from.in_memory(*id) == nullptr;
}

} // namespace

bool asks_for_anything(const inline_request& asked) {
  return asked.stdout_raw || asked.stderr_raw || !asked.output_files.empty();
}

bool has_inlined(const reapi::ActionResult& result) {
  return !result.stdout_raw().empty() || !result.stderr_raw().empty()
         || std::any_of(result.output_files().begin(), result.output_files().end(),
                        [](const auto& file) { return !file.contents().empty(); });
}

void clear_inlined(reapi::ActionResult& result) {
  if (result.has_stdout_digest())
    result.clear_stdout_raw();
  if (result.has_stderr_digest())
    result.clear_stderr_raw();
  for (auto& file : *result.mutable_output_files())
    file.clear_contents();
}

bool needs_reading(backend& from, const inline_request& asked, digest_function function,
                   const reapi::ActionResult& result) {
  if ((asked.stdout_raw && must_wait(from, result.stdout_digest(), function))
      || (asked.stderr_raw && must_wait(from, result.stderr_digest(), function)))
    return true;
  return !asked.output_files.empty()
         && std::any_of(result.output_files().begin(), result.output_files().end(),
                        [&](const auto& file) { return must_wait(from, file.digest(), function); });
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
