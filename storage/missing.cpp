#include "storage/missing.hpp"

#include "google/rpc/error_details.pb.h"

#include <absl/strings/cord.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <optional>

namespace expbuild {

namespace {

constexpr char type_url[] = "type.googleapis.com/google.rpc.PreconditionFailure";

/// As digest::to_resource wrote it.
std::optional<digest> parse_subject(const std::string& subject) {
  const std::vector<std::string> parts = absl::StrSplit(subject, '/');
  if (parts.size() < 3 || parts.size() > 4 || parts[0] != "blobs")
    return std::nullopt;
  const auto& hash = parts[parts.size() - 2];
  auto function = function_of_length(hash.size());
  if (parts.size() == 4) {
    const auto named = parse_digest_function(parts[1]);
    function = named.ok() ? std::optional(*named) : std::nullopt;
  }
  std::int64_t size = 0;
  if (!function || !absl::SimpleAtoi(parts.back(), &size))
    return std::nullopt;
  const auto id = digest::parse(hash, size, *function);
  return id.ok() ? std::optional(*id) : std::nullopt;
}

} // namespace

absl::Status missing_blobs_error(const std::string& what, const std::vector<digest>& blobs) {
  google::rpc::PreconditionFailure detail;
  for (const auto& id : blobs) {
    auto& violation = *detail.add_violations();
    violation.set_type("MISSING");
    violation.set_subject(id.to_resource());
  }
  auto text = what + ": " + std::to_string(blobs.size()) + " blob(s) missing from the CAS, first "
              + blobs.front().to_string();
  auto status = absl::FailedPreconditionError(text);
  status.SetPayload(type_url, absl::Cord(detail.SerializeAsString()));
  return status;
}

std::vector<std::string> missing_blobs_of(const absl::Status& status) {
  std::vector<std::string> subjects;
  google::rpc::PreconditionFailure detail;
  const auto payload = status.GetPayload(type_url);
  if (!payload || !detail.ParseFromString(std::string(*payload)))
    return subjects;
  for (const auto& violation : detail.violations())
    if (violation.type() == "MISSING")
      subjects.push_back(violation.subject());
  return subjects;
}

std::vector<digest> missing_digests_of(const absl::Status& status) {
  std::vector<digest> missing;
  for (const auto& subject : missing_blobs_of(status))
    if (const auto id = parse_subject(subject))
      missing.push_back(*id);
  return missing;
}

} // namespace expbuild
