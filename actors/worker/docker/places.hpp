#pragma once

/// Where things are in a container.
namespace expbuild::places {

constexpr auto root = "/build"; ///< the command's own folder, as in every private root
constexpr auto runner = "/.expbuild/re-runner";
constexpr auto socket = "/.expbuild/socket";

} // namespace expbuild::places
