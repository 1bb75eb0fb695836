#pragma once
#include "actors/interfaces.hpp"

#include <caf/send.hpp>

namespace expbuild {

/// So many writes that take so much are allowed; the cas actor hears when that is over.
class write_permit {
public:
  write_permit(cas_actor owner, std::uint64_t count, room reserved)
      : owner_(std::move(owner)), count_(count), reserved_(reserved) {}
  ~write_permit() {
    caf::anon_send(owner_, writes_ended{.trace = {}, .count = count_, .reserved = reserved_});
  }
  write_permit(const write_permit&) = delete;
  write_permit& operator=(const write_permit&) = delete;

private:
  const cas_actor owner_;
  const std::uint64_t count_;
  const room reserved_;
};

} // namespace expbuild
