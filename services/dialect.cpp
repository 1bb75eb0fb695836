#include "services/dialect.hpp"

#include <absl/strings/ascii.h>

#include <array>
#include <utility>

namespace expbuild {

namespace {

using committed_size = dialect::committed_size;

constexpr std::array<std::pair<const char*, committed_size>, 8> known{{
    {"bazel", committed_size::compressed},
    {"buck2", committed_size::compressed},
    {"siso", committed_size::uncompressed},
    {"reclient", committed_size::uncompressed},
    {"re-client", committed_size::uncompressed},
    {"rewrapper", committed_size::uncompressed},
    {"reproxy", committed_size::uncompressed},
    {"remote-apis-sdks", committed_size::uncompressed},
}};

} // namespace

dialect dialect::of(const std::string& tool_name) {
  const auto name = absl::AsciiStrToLower(tool_name.substr(0, tool_name.find_first_of("/ ")));
  for (const auto& [client, size] : known)
    if (name == client)
      return {.of_compressed = size};
  return {};
}

std::int64_t dialect::size_when_finished(std::int64_t received, std::int64_t uncompressed) const {
  switch (of_compressed) {
  case committed_size::compressed:
    return received;
  case committed_size::uncompressed:
    return uncompressed;
  case committed_size::unknown:
    break;
  }
  return -1;
}

std::int64_t dialect::size_when_there(std::int64_t uncompressed) const {
  return of_compressed == committed_size::uncompressed ? uncompressed : -1;
}

} // namespace expbuild
