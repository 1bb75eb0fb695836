#pragma once
#include "actors/metrics.hpp"

#include <prometheus/registry.h>

namespace expbuild {

/// One meter a method, under the names that stock dashboards know. Any thread.
class rpc_meters {
public:
  explicit rpc_meters(prometheus::Registry& all);
  ~rpc_meters();

  rpc_meter& of(const std::string& service, const std::string& method);

  struct families;

private:
  const std::unique_ptr<families> families_;
};

} // namespace expbuild
