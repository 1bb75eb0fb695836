#pragma once
#include "actors/action_record.hpp"

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace expbuild {

/// Which actions somebody wants to see: terms that must all fit (ListActionsRequest.filter says
/// which there are). Plain data.
class action_filter {
public:
  /// INVALID_ARGUMENT names the term that is none, and those that there are.
  static absl::StatusOr<action_filter> parse(const std::string& text);

  bool fits(const action_record& x, std::chrono::system_clock::time_point now) const;

private:
  enum class field {
    state,
    outcome,
    failed,
    slow,
    target,
    mnemonic,
    invocation,
    worker,
    tool,
    digest,
    anything
  };
  struct term {
    field what;
    std::string value;
    double seconds = 0;
  };
  static absl::StatusOr<term> parse_term(const std::string& text);
  static bool fits(const term& x, const action_record& on,
                   std::chrono::system_clock::time_point now);

  std::vector<term> terms_;
};

} // namespace expbuild
