#include "services/one_blob.hpp"

#include "services/upload_board.hpp"

#include <caf/send.hpp>

namespace expbuild {

void open_one(const service_context& context, const digest& id,
              std::function<void(opened_blob)> then) {
  caf::anon_send(context.cas, open_blobs{.trace = {}, .digests = {id}},
                 reply<opened_blobs>([then = std::move(then)](absl::StatusOr<opened_blobs> x) {
                   then(x.ok() ? std::move(x->front()) : x.status());
                 }));
}

void find_one(const service_context& context, const digest& id,
              std::function<void(absl::StatusOr<bool>)> then) {
  caf::anon_send(context.cas, find_missing{.trace = {}, .digests = {id}},
                 reply<missing_blobs>([then = std::move(then)](absl::StatusOr<missing_blobs> x) {
                   then(x.ok() ? absl::StatusOr<bool>(x->digests.empty()) : x.status());
                 }));
}

void begin_one(const service_context& context, const digest& id,
               std::function<void(begun_write)> then) {
  caf::anon_send(context.cas, begin_writes{.trace = {}, .digests = {id}},
                 reply<begun_writes>([then = std::move(then)](absl::StatusOr<begun_writes> x) {
                   then(x.ok() ? std::move(x->front()) : x.status());
                 }));
}

void commit_one(const context_ptr& context, blob_writer& writer, const digest& id,
                std::function<void(absl::Status)> then) {
  const auto status = writer.commit();
  context->meters->blob_written(status.ok());
  if (!status.ok())
    return then(status);
  caf::anon_send(context->cas, blobs_stored{.trace = {}, .digests = {id}},
                 reply<unit>([context, id, then = std::move(then)](const absl::StatusOr<unit>& x) {
                   if (x.ok())
                     context->uploads->stored(id);
                   then(x.status());
                 }));
}

} // namespace expbuild
