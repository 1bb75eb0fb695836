#pragma once
#include "actors/metrics.hpp"

#include <prometheus/registry.h>

namespace expbuild {

/// One meter a type of worker. Any thread.
class pool_meters {
public:
  explicit pool_meters(prometheus::Registry& all);
  ~pool_meters();

  pool_meter& of(const std::string& type);

  /// Before they are exposed.
  void settle() const;

  struct families;

private:
  const std::unique_ptr<families> families_;
};

} // namespace expbuild
