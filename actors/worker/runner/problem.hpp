#pragma once
#include <cerrno>
#include <string>

namespace expbuild::runner {

/// Why something could not be done. Empty when it was done.
struct problem {
  int error = 0;    ///< errno
  std::string step; ///< what was being done: "mounting the overlay"

  explicit operator bool() const noexcept { return error != 0; }
};

/// With the errno of the call that has just failed.
inline problem failed(std::string step) {
  return {errno != 0 ? errno : EIO, std::move(step)};
}

/// "mounting the overlay: Operation not permitted"
std::string to_string(const problem& x);

} // namespace expbuild::runner
