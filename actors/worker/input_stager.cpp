#include "actors/worker/input_stager.hpp"

#include "actors/worker/relative_path.hpp"
#include "storage/shared_work.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace expbuild {

namespace {

constexpr std::size_t group_size = 200; ///< files; some milliseconds
/// More would only wait for the filesystem's locks.
constexpr std::size_t most_helpers = 7;

} // namespace

absl::Status input_stager::stage(const input_tree& tree) {
  for (const auto& path : tree.directories)
    if (auto status = make_folder_at(path); !status.ok())
      return status;
  if (auto status = stage_files(tree.files); !status.ok())
    return status;
  for (const auto& link : tree.symlinks)
    if (auto status = stage_link(link); !status.ok())
      return status;
  return absl::OkStatus();
}

/// In groups of neighbours, each with folders of its own open.
absl::Status input_stager::stage_files(const std::vector<input_tree::file>& all) const {
  const auto stage_group = [&](std::size_t number) {
    input_stager group(options_, store_, root_, may_link_);
    const auto end = std::min(all.size(), (number + 1) * group_size);
    for (auto i = number * group_size; i < end; ++i)
      if (auto status = group.stage_file(all[i]); !status.ok())
        return status;
    return absl::OkStatus();
  };
  const auto groups = (all.size() + group_size - 1) / group_size;
  return share_work(options_.io.get(), io_pool::lane::long_work, groups, most_helpers, stage_group);
}

absl::StatusOr<int> input_stager::folder_of(const std::string& path) {
  const auto parent = parent_of(path);
  if (parent.empty())
    return root_;
  if (open_folder_ && parent == open_path_)
    return open_folder_.get();
  auto folder = open_beneath(root_, parent, O_RDONLY | O_DIRECTORY);
  if (!folder.ok())
    return folder.status();
  open_folder_ = *std::move(folder);
  open_path_ = parent;
  return open_folder_.get();
}

absl::Status input_stager::give_away(int fd, const std::string& path) const {
  if (::geteuid() == 0 && ::fchown(fd, options_.uid, options_.gid) != 0)
    return errno_status(errno, "giving '" + path + "' to the action's user");
  return absl::OkStatus();
}

absl::Status input_stager::make_folder_at(const std::string& path) {
  const auto parent = folder_of(path);
  if (!parent.ok())
    return parent.status();
  const auto name = name_of(path);
  if (::mkdirat(*parent, name.c_str(), 0755) != 0)
    return errno_status(errno, "making input directory '" + path + "'");
  const unique_fd made(
      ::openat(*parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return give_away(made.get(), path);
}

absl::Status input_stager::make_folders(const std::string& path, int below) {
  bool beneath = below >= 0; // so far every part of the path is there
  if (path.empty() || (beneath && open_beneath(below, path, O_RDONLY | O_DIRECTORY).ok()))
    return absl::OkStatus();
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const auto prefix = path.substr(0, end);
    if (beneath) {
      const auto there = is_there(prefix, below);
      if (!there.ok())
        return there.status();
      beneath = *there;
    }
    const auto there = is_there(prefix, root_);
    if (!there.ok())
      return there.status();
    if (*there)
      continue;
    if (auto status = make_folder_at(prefix); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

/// False when nothing is there.
absl::StatusOr<bool> input_stager::is_there(const std::string& path, int below) const {
  const auto folder = open_beneath(below, path, O_RDONLY | O_DIRECTORY);
  if (folder.ok())
    return true;
  if (absl::IsNotFound(folder.status()) && !open_beneath(below, path, O_PATH).ok())
    return false;
  return absl::InvalidArgumentError("'" + path + "' must be a directory but the inputs make it a "
                                    + (absl::IsNotFound(folder.status()) ? "file" : "link"));
}

absl::Status input_stager::stage_file(const input_tree::file& file) {
  const auto parent = folder_of(file.path);
  if (!parent.ok())
    return parent.status();
  auto reader = store_.open(file.content);
  if (!reader.ok())
    return reader.status();
  const auto name = name_of(file.path);
  if (may_link_ && !file.unix_mode && !file.mtime && !file.content.is_empty_blob()) {
    const auto linked = (*reader)->link_into(*parent, name, file.executable);
    if (!absl::IsUnimplemented(linked))
      return linked;
  }
  return copy(**reader, *parent, name, file);
}

absl::Status input_stager::copy(blob_reader& from, int dirfd, const std::string& name,
                                const input_tree::file& file) const {
  const unique_fd to(
      ::openat(dirfd, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to)
    return errno_status(errno, "creating input '" + file.path + "'");
  std::array<char, 64 * 1024> buffer;
  for (std::int64_t offset = 0; offset < file.content.size_bytes();) {
    const auto n = from.read_at(offset, buffer);
    if (!n.ok())
      return n.status();
    if (auto status = write_all(to.get(), {buffer.data(), *n}, "writing input '" + file.path + "'");
        !status.ok())
      return status;
    offset += static_cast<std::int64_t>(*n);
  }
  mode_t mode = file.executable ? 0555 : 0444;
  if (file.unix_mode)
    mode = (*file.unix_mode & 0777) | (file.executable ? 0111 : 0);
  if (::fchmod(to.get(), mode) != 0)
    return errno_status(errno, "setting the mode of input '" + file.path + "'");
  if (const timespec times[2] = {{0, UTIME_OMIT}, file.mtime.value_or(timespec{})};
      file.mtime && ::futimens(to.get(), times) != 0)
    return errno_status(errno, "setting the time of input '" + file.path + "'");
  return give_away(to.get(), file.path);
}

absl::Status input_stager::stage_link(const input_tree::symlink& link) {
  const auto parent = folder_of(link.path);
  if (!parent.ok())
    return parent.status();
  const auto name = name_of(link.path);
  if (::symlinkat(link.target.c_str(), *parent, name.c_str()) != 0)
    return errno_status(errno, "making input symlink '" + link.path + "'");
  if (::geteuid() == 0
      && ::fchownat(*parent, name.c_str(), options_.uid, options_.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_status(errno, "giving '" + link.path + "' to the action's user");
  return absl::OkStatus();
}

} // namespace expbuild
