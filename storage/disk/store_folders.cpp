#include "storage/disk/store_folders.hpp"

#include <vector>

namespace expbuild {

namespace {

/// A folder's content goes into the trash in one step.
absl::Status throw_away(const disk_folder& root, const std::string& name,
                        const disk_folder& trash) {
  for (int n = 0; n < 1'000'000; ++n) {
    const auto in_trash = name + "-" + std::to_string(n);
    if (trash.existing(in_trash).ok())
      continue;
    auto status = root.move(name, trash, in_trash);
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }
  return absl::ResourceExhaustedError("the trash of the store is full");
}

absl::Status remove_all_in(const disk_folder& folder, const std::function<bool()>& go_on) {
  std::vector<std::string> names;
  auto status = folder.list([&names](const std::string& name) {
    names.push_back(name);
    return absl::OkStatus();
  });
  for (const auto& name : names) {
    if (!status.ok() || !go_on())
      return status;
    if (const auto below = folder.existing(name); below.ok()) {
      status = remove_all_in(*below, go_on);
      if (status.ok() && go_on())
        status = folder.remove_folder(name);
    } else {
      status = folder.remove(name);
    }
  }
  return status;
}

} // namespace

absl::StatusOr<store_folders> store_folders::open(disk_folder root) {
  const auto trash = root.subfolder("trash");
  if (!trash.ok())
    return trash.status();
  for (const auto* name : {"links", "executables", "tmp"})
    if (auto status = throw_away(root, name, *trash); !status.ok())
      return status;
  const auto blobs = root.subfolder("blobs");
  const auto pending = root.subfolder("pending");
  const auto segments = root.subfolder("segments");
  const auto promises = root.subfolder("promises");
  const auto links = root.subfolder("links");
  const auto quarantine = root.subfolder("quarantine");
  const auto tmp = root.subfolder("tmp");
  for (const auto* each : {&blobs, &pending, &segments, &promises, &links, &quarantine, &tmp})
    if (!each->ok())
      return each->status();
  if (auto status = root.sync(); !status.ok())
    return status;
  return store_folders{root,   *blobs,      *pending, *segments, *promises,
                       *links, *quarantine, *tmp,     *trash};
}

absl::Status store_folders::empty_trash(const std::function<bool()>& go_on) const {
  return remove_all_in(trash, go_on);
}

} // namespace expbuild
