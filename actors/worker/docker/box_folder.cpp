#include "actors/worker/docker/box_folder.hpp"

#include "actors/log.hpp"
#include "actors/worker/docker/container_link.hpp"
#include "actors/worker/remove_tree.hpp"
#include "storage/folder_listing.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace expbuild {

namespace {

absl::Status give_to(int fd, run_as identity) {
  if (::geteuid() != 0 || ::fchown(fd, identity.uid, identity.gid) == 0)
    return absl::OkStatus();
  return errno_status(errno, "giving a file to the action's user");
}

absl::StatusOr<unique_fd> open_folder(const std::filesystem::path& path) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd)
    return errno_status(errno, "opening " + path.string());
  return fd;
}

/// A folder that its own user can not write to does not move: its ".." would change.
bool move(int from, int to, const std::string& name) {
  if (::renameat(from, name.c_str(), to, name.c_str()) == 0)
    return true;
  return errno == EACCES && ::fchmodat(from, name.c_str(), 0755, 0) == 0
         && ::renameat(from, name.c_str(), to, name.c_str()) == 0;
}

absl::Status move_all(int from, int to) {
  std::vector<std::string> names;
  auto status = list_folder(from, ".", [&names](const std::string& name) {
    names.push_back(name);
    return absl::OkStatus();
  });
  for (const auto& name : names)
    if (status.ok() && !move(from, to, name))
      status = errno_status(errno, "moving '" + name + "' between an action and its container");
  return status;
}

absl::StatusOr<unique_fd> make_log(const std::filesystem::path& path, run_as identity) {
  ::unlink(path.c_str());
  unique_fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd)
    return errno_status(errno, "making " + path.string());
  if (auto status = give_to(fd.get(), identity); !status.ok())
    return status;
  return fd;
}

} // namespace

absl::StatusOr<std::shared_ptr<box_folder>>
box_folder::make(const std::filesystem::path& directory, const std::string& name, run_as identity) {
  auto parent = open_folder(directory);
  if (!parent.ok())
    return parent.status();
  std::shared_ptr<box_folder> box(new box_folder());
  box->path_ = directory / name;
  box->parent_ = *std::move(parent);
  if (auto status = remove_tree(box->parent_.get(), name); !status.ok())
    return status;
  if (::mkdir(box->path_.c_str(), 0711) != 0 || ::mkdir(box->root().c_str(), 0755) != 0)
    return errno_status(errno, "making " + box->root().string());
  auto root = open_folder(box->root());
  if (!root.ok())
    return root.status();
  box->root_ = *std::move(root);
  if (auto status = give_to(box->root_.get(), identity); !status.ok())
    return status;
  const auto own = open_folder(box->path_);
  if (!own.ok())
    return own.status();
  auto listener = listen_in(own->get(), "socket", identity.uid, identity.gid);
  if (!listener.ok())
    return listener.status();
  box->listener_ = *std::move(listener);
  return box;
}

box_folder::~box_folder() {
  const auto status = parent_ ? remove_tree(parent_.get(), path_.filename()) : absl::OkStatus();
  if (!status.ok())
    log_of("docker").warn("{} could not be removed: {}", path_.string(), status.ToString());
}

absl::Status box_folder::move_in(const std::filesystem::path& from) const {
  const auto folder = open_folder(from);
  return folder.ok() ? move_all(folder->get(), root_.get()) : folder.status();
}

absl::Status box_folder::move_out(const std::filesystem::path& to) const {
  const auto folder = open_folder(to);
  return folder.ok() ? move_all(root_.get(), folder->get()) : folder.status();
}

absl::StatusOr<std::vector<unique_fd>> make_logs(const command_spec& command, run_as identity) {
  std::vector<unique_fd> logs;
  for (const auto& path : {command.stdout_path, command.stderr_path}) {
    auto log = make_log(path, identity);
    if (!log.ok())
      return log.status();
    logs.push_back(*std::move(log));
  }
  return logs;
}

} // namespace expbuild
