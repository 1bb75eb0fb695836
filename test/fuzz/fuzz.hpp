#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <google/protobuf/stubs/logging.h>

/// It would write a line for most inputs, which takes longer than the input.
inline auto* const protobuf_is_quiet = google::protobuf::SetLogHandler(nullptr);

/// Ends the process, as the fuzzer wants it, when a property does not hold.
inline void require(bool holds, const char* property) {
  if (holds)
    return;
  std::fprintf(stderr, "property broken: %s\n", property);
  std::abort();
}

/// A path that can not lead out of the root: relative, every segment a name.
inline bool is_beneath_root(std::string_view path) {
  for (;;) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == ".."
        || segment.find('\0') != std::string_view::npos)
      return false;
    if (slash == std::string_view::npos)
      return true;
    path.remove_prefix(slash + 1);
  }
}
