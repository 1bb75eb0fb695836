#pragma once
#include "storage/reapi.hpp"
#include "storage/store_clock.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace expbuild {

/// When a result was stored, and what was known of its action then.
struct result_origin {
  store_seconds stored_at = 0; ///< 0: unknown
  std::string mnemonic = {};
  std::string target_id = {};
};

inline constexpr std::size_t max_mnemonic_bytes = 128;
inline constexpr std::size_t max_target_bytes = 512;

/// Cuts a text of UTF-8 between two characters.
void cut(std::string& text, std::size_t max_bytes);

/// Cuts what clients may have made longer.
result_origin bounded(result_origin x);

/// A result as it lies in a store.
struct stored_result {
  reapi::ActionResult result;
  result_origin origin;
  std::uint64_t serial = 0; ///< of this record: who stores the same again makes another
  std::int64_t bytes = 0;   ///< of the record
};

/// Older than `ttl` seconds; 0: never. One of the future is new.
constexpr bool is_too_old(store_seconds stored_at, store_seconds ttl, store_seconds now) noexcept {
  return ttl != 0 && now > stored_at && now - stored_at > ttl;
}

} // namespace expbuild
