#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace expbuild {

/// Whom actions run as.
struct identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// uid of a user name or number; with its primary group. nullopt when there is no such user.
std::optional<identity> find_user(const std::string& name);

/// gid of a group name or number. nullopt when there is no such group.
std::optional<std::uint32_t> find_group(const std::string& name);

/// Whom this process runs as.
identity own_identity();

/// Whom actions run as when nobody is named: nobody when this process is root, else itself. nullopt
/// when this system has no user 'nobody'.
std::optional<identity> default_identity();

} // namespace expbuild
