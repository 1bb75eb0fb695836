#include "storage/disk/link_farm.hpp"

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
                             const filler& fill) const {
  auto status = folders_.links.link(path_of(id, executable), dirfd, name);
  return absl::IsNotFound(status) ? make(id, executable, dirfd, name, fill) : status;
}

/// It is whole before it gets its name in here. That it can not be linked, or that somebody else
/// was faster, costs a copy.
absl::Status link_farm::make(const digest& id, bool executable, int dirfd, const std::string& name,
                             const filler& fill) const {
  auto made = folders_.links.create_outside(dirfd, name, 0600);
  if (!made.ok())
    return made.status();
  auto status = fill(*made);
  if (status.ok())
    status = made->set_mode(executable ? 0555 : 0444);
  if (status.ok())
    status = made->close();
  if (!status.ok()) {
    folders_.links.remove_outside(dirfd, name).IgnoreError(); // the first error counts
    return status;
  }
  const auto path = path_of(id, executable);
  if (absl::IsNotFound(folders_.links.link_from(dirfd, name, path))
      && folders_.links.subfolder(shard_of(id)).ok())
    folders_.links.link_from(dirfd, name, path).IgnoreError();
  return status;
}

absl::Status link_farm::remove(const digest& id) const {
  auto status = folders_.links.remove(path_of(id, false));
  status.Update(folders_.links.remove(path_of(id, true)));
  return status;
}

} // namespace expbuild
