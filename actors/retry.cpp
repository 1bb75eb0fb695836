#include "actors/retry.hpp"

#include "google/rpc/error_details.pb.h"

#include <absl/strings/cord.h>

namespace expbuild {

absl::Status retry_later(absl::Status status, std::chrono::seconds delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay.count());
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

} // namespace expbuild
