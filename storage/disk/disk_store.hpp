#pragma once
#include "storage/backend.hpp"
#include "storage/disk/committer.hpp"
#include "storage/disk/file_blobs.hpp"
#include "storage/disk/link_farm.hpp"
#include "storage/disk/packed_entries.hpp"
#include "storage/disk/promise_log.hpp"
#include "storage/disk/run_marker.hpp"
#include "storage/disk/store_upkeep.hpp"
#include "storage/disk/write_gate.hpp"

#include <mutex>

namespace expbuild {

/// The backend on a disk: small blobs packed, large ones in files, one index over both. Made by
/// `make_filesystem_backend`.
class disk_store : public backend, public std::enable_shared_from_this<disk_store> {
public:
  static absl::StatusOr<std::shared_ptr<disk_store>> open(filesystem_backend_options options);
  ~disk_store() override;

  blob_index& index() override { return index_; }
  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override;
  bool is_index_complete() const override { return upkeep_.has_reached(stage::all_known); }
  bool contains(const digest& id) override;
  bool takes_a_file(const digest& id) const override { return !is_packed(id); }
  absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) override;
  std::vector<absl::Status> write_all(std::span<const named_bytes> blobs) override;
  absl::Status flush() override;
  absl::Status remove(const digest& id) override;
  absl::Status evict(std::span<const blob_index::victim> victims) override;
  store_usage usage() override;
  absl::Status for_each(const std::function<void(const digest&)>& visit) override;

  // ---- for its readers and writers ----

  bool is_packed(const digest& id) const { return id.size_bytes() < options_.packed_below; }
  bool compresses() const { return options_.compresses; }
  absl::Status publish(temporary_file file, const digest& id, stored_as form);
  absl::Status publish_packed(std::span<const named_bytes> verified);
  void lose(const digest& id, const blob_file& file, const absl::Status& why) {
    files_->lose(id, file, why);
  }
  absl::Status link_file(const digest& id, const blob_file& file, bool executable, int dirfd,
                         const std::string& name);
  absl::Status link_bytes(const digest& id, std::string_view bytes, bool executable, int dirfd,
                          const std::string& name);

private:
  using stage = store_upkeep::stage;

  disk_store(filesystem_backend_options options, store_folders folders);

  absl::Status open_parts();
  absl::StatusOr<std::shared_ptr<blob_reader>> open_packed(const digest& id);
  absl::StatusOr<std::shared_ptr<blob_reader>> open_file(const digest& id, blob_place place);

  // What happens behind everybody's back: on a thread of its own, unless options say otherwise.
  void load();
  void scrub();
  void trouble(const absl::Status& why) const;
  void notice(const std::string& what) const;
  absl::Status check_again(const digest& id, blob_place place);

  const filesystem_backend_options options_;
  const store_folders folders_;
  link_farm links_;
  blob_index index_;
  write_gate gate_;
  std::unique_ptr<packed_entries> packed_;
  std::unique_ptr<file_blobs> files_;
  promise_log promises_;
  const run_marker marker_;
  last_run before_;

  std::mutex round_guard_; ///< one round of settling at a time
  std::unique_ptr<committer> committer_;
  store_upkeep upkeep_;
};

} // namespace expbuild
