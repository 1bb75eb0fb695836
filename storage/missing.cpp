#include "storage/missing.hpp"

#include "google/rpc/error_details.pb.h"

#include <absl/strings/cord.h>

namespace expbuild {

namespace {

constexpr char type_url[] = "type.googleapis.com/google.rpc.PreconditionFailure";

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

} // namespace expbuild
