#pragma once
#include "storage/backend.hpp"

#include <string>
#include <vector>

namespace expbuild {

/// What a client asked to have inlined (same fields on GetActionResult and Execute).
struct inline_request {
  bool stdout_raw = false;
  bool stderr_raw = false;
  std::vector<std::string> output_files;
};

bool asks_for_anything(const inline_request& asked);

/// Whether `apply_inlining` would read anything that is not in memory; it does not block otherwise.
bool needs_reading(backend& from, const inline_request& asked, digest_function function,
                   const reapi::ActionResult& result);

bool has_inlined(const reapi::ActionResult& result);

/// Of inlined bytes that have a digest only the digest stays: what is stored, and what is answered
/// when nothing was asked for.
void clear_inlined(reapi::ActionResult& result);

/// Fills stdout_raw, stderr_raw and output file contents that were asked for, as long as the sum
/// stays within `budget` bytes and the result below what clients take as one message, and clears
/// what was not asked for. What can not be read stays named by digest alone. Blocks.
void apply_inlining(backend& from, const inline_request& asked, digest_function function,
                    reapi::ActionResult& result, std::int64_t budget = 3 << 20);

} // namespace expbuild
