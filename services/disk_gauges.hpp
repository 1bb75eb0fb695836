#pragma once
#include "actors/metrics.hpp"
#include "storage/io_pool.hpp"

#include <atomic>
#include <filesystem>
#include <memory>
#include <vector>

namespace expbuild {

/// Tells the metrics what is left on the filesystems of the stores. Any thread.
class disk_gauges : public std::enable_shared_from_this<disk_gauges> {
public:
  struct place {
    store_kind of = store_kind::cas;
    std::filesystem::path root;
  };

  /// `meters` may be null when there are no places.
  disk_gauges(std::vector<place> places, std::shared_ptr<metrics> meters)
      : places_(std::move(places)), meters_(std::move(meters)) {}

  /// In the pool, which a disk that hangs may hold up, one time at once. Returns before it is done.
  void measure(io_pool& pool);

private:
  void measure_all() const;

  const std::vector<place> places_;
  const std::shared_ptr<metrics> meters_;
  std::atomic<bool> measuring_{false};
};

} // namespace expbuild
