#include "services/operation_filter.hpp"

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>

#include <vector>

namespace expbuild {

namespace {

absl::Status wrong_term(const std::string& term) {
  return absl::InvalidArgumentError("filter: '" + term.substr(0, 100)
                                    + "' is not understood; what is: done=true, done=false, "
                                      "stage=CACHE_CHECK, stage=QUEUED, stage=EXECUTING, "
                                      "stage=COMPLETED, joined by AND");
}

absl::Status add_term(const std::string& term, operation_filter& to) {
  auto stage = reapi::ExecutionStage::UNKNOWN;
  if (term == "done=true" || term == "done=false")
    to.done = term == "done=true";
  else if (term.rfind("stage=", 0) == 0
           && reapi::ExecutionStage::Value_Parse(term.substr(6), &stage)
           && stage != reapi::ExecutionStage::UNKNOWN)
    to.stage = static_cast<execution_stage>(static_cast<int>(stage));
  else
    return wrong_term(term);
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<operation_filter> parse_operation_filter(const std::string& text) {
  operation_filter filter;
  if (text.empty())
    return filter;
  const std::vector<std::string> terms = absl::StrSplit(text, " AND ");
  for (const auto& term : terms)
    if (auto status = add_term(std::string(absl::StripAsciiWhitespace(term)), filter); !status.ok())
      return status;
  return filter;
}

} // namespace expbuild
