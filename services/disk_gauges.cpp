#include "services/disk_gauges.hpp"

#include <sys/statvfs.h>

namespace expbuild {

void disk_gauges::measure(io_pool& pool) {
  if (places_.empty() || measuring_.exchange(true))
    return;
  const auto work = [me = shared_from_this()] {
    me->measure_all();
    me->measuring_ = false;
  };
  if (!pool.post(io_pool::lane::long_work, work))
    measuring_ = false;
}

void disk_gauges::measure_all() const {
  for (const auto& x : places_) {
    struct statvfs disk {};
    if (::statvfs(x.root.c_str(), &disk) == 0)
      meters_->disk(x.of, static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize),
                    static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize));
  }
}

} // namespace expbuild
