#include "storage/inlining.hpp"

#include <algorithm>

namespace expbuild {

namespace {

/// Reads a blob within what is left of the budget; empty when it can not or must not be read.
std::string read_within(backend& from, const reapi::Digest& wire, digest_function function,
                        std::int64_t& budget) {
  const auto id = digest::from_proto(wire, function);
  if (!id.ok() || id->size_bytes() > budget)
    return {};
  auto bytes = read_blob(from, *id, budget);
  if (!bytes.ok())
    return {};
  budget -= id->size_bytes();
  return *std::move(bytes);
}

} // namespace

void apply_inlining(backend& from, const inline_request& asked, digest_function function,
                    reapi::ActionResult& result, std::int64_t budget) {
  const auto fill = [&](bool wanted, bool has_digest, const reapi::Digest& id, std::string* raw) {
    if (!has_digest)
      return; // the bytes are here and nowhere else
    raw->clear();
    if (wanted)
      *raw = read_within(from, id, function, budget);
  };
  fill(asked.stdout_raw, result.has_stdout_digest(), result.stdout_digest(),
       result.mutable_stdout_raw());
  fill(asked.stderr_raw, result.has_stderr_digest(), result.stderr_digest(),
       result.mutable_stderr_raw());
  for (auto& file : *result.mutable_output_files()) {
    const bool wanted = std::find(asked.output_files.begin(), asked.output_files.end(), file.path())
                        != asked.output_files.end();
    fill(wanted, true, file.digest(), file.mutable_contents());
  }
}

} // namespace expbuild
