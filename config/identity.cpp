#include "config/identity.hpp"

#include <charconv>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <vector>

namespace expbuild {

namespace {

std::optional<std::uint32_t> as_number(const std::string& text) {
  std::uint32_t value = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return value;
}

constexpr std::size_t record_size = 64 * 1024;

} // namespace

std::optional<identity> find_user(const std::string& name) {
  std::vector<char> space(record_size);
  passwd record{};
  passwd* found = nullptr;
  if (const auto number = as_number(name)) {
    ::getpwuid_r(*number, &record, space.data(), space.size(), &found);
    return found != nullptr ? identity{found->pw_uid, found->pw_gid} : identity{*number, *number};
  }
  ::getpwnam_r(name.c_str(), &record, space.data(), space.size(), &found);
  if (found == nullptr)
    return std::nullopt;
  return identity{found->pw_uid, found->pw_gid};
}

std::optional<std::uint32_t> find_group(const std::string& name) {
  if (const auto number = as_number(name))
    return number;
  std::vector<char> space(record_size);
  group record{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &record, space.data(), space.size(), &found);
  if (found == nullptr)
    return std::nullopt;
  return found->gr_gid;
}

identity own_identity() {
  return {::geteuid(), ::getegid()};
}

std::optional<identity> default_identity() {
  const auto own = own_identity();
  return own.uid == 0 ? find_user("nobody") : own;
}

} // namespace expbuild
