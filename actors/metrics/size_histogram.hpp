#pragma once
#include <prometheus/client_metric.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace expbuild {

/// Sizes by powers of four, from 1 KiB to 4 GiB. Without a lock, unlike the library's: it is told
/// of every blob. Read while it is written, a size may be in a bucket and not in the sum yet.
class size_histogram {
public:
  void observe(std::int64_t bytes) noexcept {
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0));
    counts_[bucket_of(size)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(size, std::memory_order_relaxed);
  }

  prometheus::ClientMetric collect() const {
    prometheus::ClientMetric metric;
    auto& x = metric.histogram;
    for (std::size_t i = 0; i < buckets; ++i) {
      x.sample_count += counts_[i].load(std::memory_order_relaxed);
      x.bucket.push_back({x.sample_count, static_cast<double>(smallest << (2 * i))});
    }
    x.sample_count += counts_[buckets].load(std::memory_order_relaxed);
    x.bucket.push_back({x.sample_count, std::numeric_limits<double>::infinity()});
    x.sample_sum = static_cast<double>(sum_.load(std::memory_order_relaxed));
    return metric;
  }

private:
  static constexpr std::size_t buckets = 12;
  static constexpr std::uint64_t smallest = 1024;

  /// The first whose bound is not below `size`; the last one has none.
  static std::size_t bucket_of(std::uint64_t size) noexcept {
    if (size <= smallest)
      return 0;
    return std::min<std::size_t>(buckets, (std::bit_width((size - 1) / smallest) + 1u) / 2);
  }

  std::array<std::atomic<std::uint64_t>, buckets + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

} // namespace expbuild
