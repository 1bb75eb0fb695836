#pragma once
#include "storage/chunker.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace expbuild::test {

using offsets = std::vector<std::int64_t>;
using maker = std::function<std::unique_ptr<chunker>()>;

inline maker fast(std::int64_t average, std::uint32_t seed = 0) {
  return [=] { return *make_fast_cdc_2020({.average_bytes = average, .seed = seed}); };
}

inline maker rep_max(std::int64_t min, std::int64_t horizon) {
  return [=] { return *make_rep_max_cdc({.min_bytes = min, .horizon_bytes = horizon}); };
}

/// The same "random" bytes on every machine.
class random_bytes {
public:
  explicit random_bytes(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { // splitmix64
    auto x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  std::string take(std::size_t size) {
    std::string bytes(size, '\0');
    for (auto& each : bytes)
      each = static_cast<char>(next());
    return bytes;
  }

private:
  std::uint64_t state_;
};

/// Feeds the bytes in pieces of the lengths that `next_length` gives.
inline offsets cut(const maker& make, std::string_view bytes,
                   const std::function<std::size_t()>& next_length) {
  offsets ends;
  const auto x = make();
  while (!bytes.empty()) {
    const auto n = std::min(next_length(), bytes.size());
    x->feed(bytes.substr(0, n), ends);
    bytes.remove_prefix(n);
  }
  x->finish(ends);
  return ends;
}

inline offsets cut(const maker& make, std::string_view bytes) {
  return cut(make, bytes, [&] { return bytes.size(); });
}

} // namespace expbuild::test
