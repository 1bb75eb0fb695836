#include "storage/disk/link_farm.hpp"

#include "storage/disk/temporary_file.hpp"

namespace expbuild {

namespace {

std::string shard_of(const digest& id) {
  return to_string(id.function()) + "-" + id.hash().substr(0, 2);
}

std::string file_of(const digest& id, bool executable) {
  return id.hash() + "-" + std::to_string(id.size_bytes()) + (executable ? "-x" : "-r");
}

} // namespace

absl::Status link_farm::link(const digest& id, bool executable, int dirfd, const std::string& name,
                             const filler& fill) const {
  const auto path = shard_of(id) + "/" + file_of(id, executable);
  auto status = folders_.links.link(path, dirfd, name);
  if (!absl::IsNotFound(status))
    return status;
  if (status = make(id, executable, fill); !status.ok())
    return status;
  return folders_.links.link(path, dirfd, name);
}

absl::Status link_farm::make(const digest& id, bool executable, const filler& fill) const {
  auto file = temporary_file::create(folders_.tmp);
  if (!file.ok())
    return file.status();
  auto status = fill(file->file());
  if (status.ok())
    status = file->file().set_mode(executable ? 0555 : 0444);
  if (!status.ok())
    return status;
  const auto shard = folders_.links.subfolder(shard_of(id));
  return shard.ok() ? file->move_to(*shard, file_of(id, executable)) : shard.status();
}

absl::Status link_farm::remove(const digest& id) const {
  absl::Status status;
  for (const bool executable : {false, true}) {
    auto gone = folders_.links.remove(shard_of(id) + "/" + file_of(id, executable));
    status.Update(absl::IsNotFound(gone) ? absl::OkStatus() : gone);
  }
  return status;
}

} // namespace expbuild
