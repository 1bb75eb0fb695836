#include "services/blob_errors.hpp"

#include <caf/send.hpp>

namespace expbuild {

absl::Status read_failure(const service_context& context, const digest& id,
                          const absl::Status& status) {
  if (!absl::IsDataLoss(status))
    return status;
  caf::anon_send(context.cas, blobs_lost{.trace = {}, .digests = {id}});
  return absl::NotFoundError("blob " + id.to_string()
                             + " was damaged on disk and is given up; upload it again");
}

} // namespace expbuild
