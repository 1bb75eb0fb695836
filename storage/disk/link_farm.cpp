#include "storage/disk/link_farm.hpp"

namespace expbuild {

namespace {

std::string file_of(const digest& id, bool executable) {
  return to_string(id.function()) + "-" + id.hash() + (executable ? "-x" : "-r");
}

} // namespace

absl::StatusOr<disk_folder> link_farm::shard_of(const digest& id) {
  const auto byte = static_cast<unsigned char>(id.raw_hash().front());
  const std::lock_guard lock(guard_);
  auto& known = shards_[byte];
  if (known)
    return *known;
  auto shard = folders_.links.subfolder(std::to_string(byte));
  if (shard.ok())
    known = *shard;
  return shard;
}

absl::Status link_farm::link(const digest& id, bool executable, int dirfd, const std::string& name,
                             const filler& fill) {
  const auto shard = shard_of(id);
  if (!shard.ok())
    return shard.status();
  const auto file = file_of(id, executable);
  auto status = shard->link(file, dirfd, name);
  if (absl::IsNotFound(status) || absl::IsUnimplemented(status))
    status = make(*shard, file, executable, dirfd, name, fill);
  return status;
}

/// It is whole before it gets its name in here. That it can not be linked, or that somebody else
/// was faster, costs a copy.
absl::Status link_farm::make(const disk_folder& shard, const std::string& file, bool executable,
                             int dirfd, const std::string& name, const filler& fill) const {
  auto made = shard.create_outside(dirfd, name, 0600);
  if (!made.ok())
    return made.status();
  auto status = fill(*made);
  if (status.ok())
    status = made->set_mode(executable ? 0555 : 0444);
  if (status.ok())
    status = made->close();
  if (!status.ok()) {
    shard.remove_outside(dirfd, name).IgnoreError(); // the first error counts
    return status;
  }
  shard.link_from(dirfd, name, file).IgnoreError();
  return status;
}

absl::Status link_farm::remove(const digest& id) {
  const auto shard = shard_of(id);
  if (!shard.ok())
    return shard.status();
  auto status = shard->remove(file_of(id, false));
  status.Update(shard->remove(file_of(id, true)));
  return status;
}

} // namespace expbuild
