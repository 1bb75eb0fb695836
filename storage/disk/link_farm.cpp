#include "storage/disk/link_farm.hpp"

#include "storage/blob_index.hpp"

namespace expbuild {

namespace {

std::string shard_of(const digest& id) {
  return to_string(id.function()) + "-" + id.hash().substr(0, 2);
}

std::string path_of(const digest& id, bool executable) {
  return shard_of(id) + "/" + id.hash() + (executable ? "-x" : "-r");
}

} // namespace

absl::Status link_farm::link(const digest& id, bool executable, int dirfd, const std::string& name,
                             const filler& fill) {
  auto status = folders_.links.link(path_of(id, executable), dirfd, name);
  return absl::IsNotFound(status) ? make(id, executable, dirfd, name, fill) : status;
}

/// It is whole, and open for writing no more, before it gets its name in here: itself, not what has
/// its name by then in a folder that is not ours. That it can not be linked, or that somebody else
/// was faster, costs a copy.
absl::Status link_farm::make(const digest& id, bool executable, int dirfd, const std::string& name,
                             const filler& fill) {
  auto made = folders_.links.create_outside(dirfd, name, 0600);
  if (!made.ok())
    return made.status();
  auto status = fill(*made);
  if (status.ok())
    status = made->set_mode(executable ? 0555 : 0444);
  const auto held = made->hold();
  if (status.ok())
    status = made->close();
  if (!status.ok()) {
    folders_.links.remove_outside(dirfd, name).IgnoreError(); // the first error counts
    return status;
  }
  if (!held.ok())
    return status;
  const auto path = path_of(id, executable);
  auto kept = folders_.links.link_file(*held, path);
  if (absl::IsNotFound(kept) && folders_.links.subfolder(shard_of(id)).ok())
    kept = folders_.links.link_file(*held, path);
  if (kept.ok())
    bytes_ += file_charge(id.size_bytes());
  return status;
}

absl::Status link_farm::remove(const digest& id) {
  absl::Status status;
  for (const bool executable : {false, true}) {
    const auto was_there = folders_.links.remove_if_there(path_of(id, executable));
    status.Update(was_there.status());
    if (was_there.ok() && *was_there)
      bytes_ -= file_charge(id.size_bytes());
  }
  return status;
}

} // namespace expbuild
