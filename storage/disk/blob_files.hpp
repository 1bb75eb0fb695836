#pragma once
#include "storage/digest.hpp"
#include "storage/disk/blob_file.hpp"
#include "storage/disk/store_folders.hpp"
#include "storage/disk/temporary_file.hpp"

#include <functional>
#include <optional>

namespace expbuild {

/// Blobs in files of their own. Where one lies is a pure function of its digest and its form:
///
///     blobs/SHA256/ab/HASH-SIZE    for good
///     pending/SHA256-HASH-SIZE     until it is synced
///
/// with ".zst" behind it when it is compressed. Either name means complete and verified; the first
/// means synced, too. A blob has both forms only after a crash between two steps. Blocks; safe from
/// any number of threads, though two may not settle, remove or publish the same blob at once.
class blob_files {
public:
  explicit blob_files(const store_folders& folders) : folders_(folders) {}

  /// In the expected form, else in the other; NOT_FOUND when there is none.
  absl::StatusOr<found_file> open(const digest& id, stored_as expected);

  absl::StatusOr<found_file> open_pending(const digest& id) const;

  absl::StatusOr<temporary_file> make_temporary() const;

  /// Gives a whole and verified file its name, for good or as pending.
  absl::Status publish(temporary_file file, const digest& id, stored_as form);
  absl::Status publish_pending(temporary_file file, const digest& id, stored_as form);

  /// A pending one that was synced gets its place for good.
  absl::Status settle(const digest& id, stored_as form);

  /// The name of this blob (and of all that lie in the same folder) survives a power cut.
  absl::Status sync_names(const digest& id);

  absl::Status sync_pending_names() const { return folders_.pending.sync(); }

  /// OK also when there was none.
  absl::Status remove(const digest& id);
  absl::Status remove(const digest& id, stored_as form);

  /// Out of the way, for people to look at; removed when there is enough to look at already.
  absl::Status quarantine(const digest& id);
  absl::Status quarantine_pending(const digest& id) const;

  bool has_settled(const digest& id, stored_as form) { return open_settled(id, form).ok(); }
  bool has_settled(const digest& id) {
    return has_settled(id, stored_as::plain) || has_settled(id, stored_as::frames);
  }

  /// Every name that means a blob; other files are left alone. A folder that can not be read is
  /// left out: the error is its own, after all others.
  using visitor = std::function<absl::Status(const digest&, stored_as)>;
  absl::Status for_each(const visitor& visit) const;
  absl::Status for_each_pending(const std::function<absl::Status(const digest&)>& visit) const;

  /// Links the blob's own file, which is not compressed. UNIMPLEMENTED where links can not be.
  absl::Status link(const digest& id, int dirfd, const std::string& name);

private:
  absl::StatusOr<disk_file> open_settled(const digest& id, stored_as form) const;
  absl::StatusOr<disk_file> open_as(const digest& id, stored_as form) const;
  absl::Status quarantine_settled(const digest& id, stored_as form) const;
  absl::Status link_settled(const digest& id, int dirfd, const std::string& name) const;
  absl::Status make_shard(const digest& id) const;
  absl::Status for_each_of(digest_function function, const visitor& visit) const;

  const store_folders folders_;
};

/// "HASH-SIZE".
std::string file_name_of(const digest& id);

/// The digest that such a name stands for; none for a foreign file.
std::optional<digest> parse_file_name(std::string_view name, digest_function function);

} // namespace expbuild
