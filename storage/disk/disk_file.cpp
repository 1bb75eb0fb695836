#include "storage/disk/disk_file.hpp"

#include "storage/posix.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace expbuild {

namespace {

constexpr mode_t folder_mode = 0700;
constexpr std::size_t copy_size = std::size_t{16} << 20;
constexpr std::size_t hand_size = std::size_t{256} << 10;

absl::Status link_status(int error, const std::string& from, const std::string& to) {
  if (error == EXDEV || error == EMLINK || error == EPERM)
    return absl::UnimplementedError(from + " can not be linked to " + to);
  return errno_status(error, "linking " + from + " to " + to);
}

} // namespace

// ---- files -----------------------------------------------------------------------------------

disk_file& disk_file::operator=(disk_file&& other) noexcept {
  std::swap(calls_, other.calls_);
  std::swap(fd_, other.fd_);
  std::swap(name_, other.name_);
  return *this;
}

disk_file::~disk_file() {
  if (fd_ >= 0)
    calls_->close(fd_);
}

absl::Status disk_file::failed(int error, const char* doing) const {
  return errno_status(error, doing + name_);
}

absl::StatusOr<std::size_t> disk_file::read_at(std::int64_t offset, std::span<char> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n = calls_->read(fd_, out.data() + done, out.size() - done,
                                offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return failed(errno, "reading ");
    if (n == 0)
      break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

absl::StatusOr<std::optional<std::size_t>> disk_file::try_read_at(std::int64_t offset,
                                                                  std::span<char> out) const {
  const auto n = calls_->read_nowait(fd_, out.data(), out.size(), offset);
  if (n < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINTR))
    return std::nullopt;
  if (n < 0)
    return failed(errno, "reading ");
  return static_cast<std::size_t>(n);
}

absl::Status disk_file::write_at(std::int64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto n = calls_->write(fd_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return failed(errno, "writing ");
    if (n == 0)
      return failed(EIO, "writing ");
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
  return absl::OkStatus();
}

absl::Status disk_file::copy_from(const disk_file& from) const {
  for (off_t offset = 0;;) {
    const auto n = calls_->copy(from.fd(), offset, fd_, copy_size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
      return copy_by_hand(from, offset);
    if (n < 0)
      return failed(errno, "copying into ");
    if (n == 0)
      return absl::OkStatus();
  }
}

/// Between filesystems where the kernel does not do it.
absl::Status disk_file::copy_by_hand(const disk_file& from, std::int64_t offset) const {
  for (std::string buffer(hand_size, '\0');;) {
    const auto n = from.read_at(offset, buffer);
    if (!n.ok() || *n == 0)
      return n.status();
    if (auto status = write_at(offset, std::string_view(buffer).substr(0, *n)); !status.ok())
      return status;
    offset += static_cast<std::int64_t>(*n);
  }
}

absl::Status disk_file::truncate(std::int64_t size) const {
  return calls_->truncate(fd_, size) == 0 ? absl::OkStatus() : failed(errno, "cutting ");
}

absl::Status disk_file::set_mode(mode_t mode) const {
  return calls_->chmod(fd_, mode) == 0 ? absl::OkStatus() : failed(errno, "setting the mode of ");
}

absl::Status disk_file::sync() const {
  for (;;) {
    if (calls_->sync(fd_) == 0)
      return absl::OkStatus();
    if (errno != EINTR)
      return failed(errno, "syncing ");
  }
}

absl::StatusOr<struct stat> disk_file::facts() const {
  struct stat facts {};
  if (calls_->stat(fd_, facts) != 0)
    return failed(errno, "looking at ");
  return facts;
}

absl::StatusOr<disk_file> disk_file::hold() const {
  const int held = calls_->hold_file(fd_);
  if (held < 0)
    return failed(errno, "holding ");
  return disk_file(calls_, held, name_);
}

absl::Status disk_file::close() {
  return calls_->close(std::exchange(fd_, -1)) == 0 ? absl::OkStatus() : failed(errno, "closing ");
}

// ---- folders ---------------------------------------------------------------------------------

absl::StatusOr<disk_folder> disk_folder::open_root(std::shared_ptr<disk_calls> calls,
                                                   const std::string& path) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
    const auto parent = std::filesystem::path(path).parent_path();
    const int above = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const disk_file name(calls, above, parent.string());
    if (name)
      name.sync().IgnoreError(); // some filesystems can not; what lies in it is synced anyhow
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno_status(errno, "opening the store at " + path);
  return disk_folder(std::move(calls), fd, path);
}

absl::StatusOr<disk_folder> disk_folder::subfolder(const std::string& name) const {
  if (calls_->make_folder(fd(), name.c_str(), folder_mode) != 0 && errno != EEXIST)
    return errno_status(errno, "making folder " + path_of(name));
  return existing(name);
}

absl::StatusOr<disk_folder> disk_folder::existing(const std::string& name) const {
  const int opened = calls_->open(fd(), name.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (opened < 0)
    return errno_status(errno, "opening folder " + path_of(name));
  return disk_folder(calls_, opened, path_of(name));
}

absl::StatusOr<disk_file> disk_folder::open(const std::string& name, int flags) const {
  const int opened = calls_->open(fd(), name.c_str(), flags | O_NOFOLLOW, 0);
  if (opened < 0)
    return errno_status(errno, "opening " + path_of(name));
  return disk_file(calls_, opened, path_of(name));
}

absl::StatusOr<std::string> disk_folder::read(const std::string& name) const {
  const auto file = open(name);
  if (!file.ok())
    return file.status();
  const auto facts = file->facts();
  if (!facts.ok())
    return facts.status();
  std::string bytes(static_cast<std::size_t>(facts->st_size), '\0');
  const auto n = file->read_at(0, bytes);
  if (!n.ok())
    return n.status();
  bytes.resize(*n);
  return bytes;
}

absl::StatusOr<disk_file> disk_folder::create(const std::string& name, mode_t mode) const {
  const int opened = calls_->open(fd(), name.c_str(), O_RDWR | O_CREAT | O_EXCL, mode);
  if (opened < 0)
    return errno_status(errno, "creating " + path_of(name));
  return disk_file(calls_, opened, path_of(name));
}

absl::Status disk_folder::move(const std::string& name, const disk_folder& to,
                               const std::string& new_name) const {
  if (calls_->rename(fd(), name.c_str(), to.fd(), new_name.c_str()) != 0)
    return errno_status(errno, "moving " + path_of(name) + " to " + to.path_of(new_name));
  return absl::OkStatus();
}

absl::StatusOr<disk_file> disk_folder::create_outside(int dirfd, const std::string& name,
                                                      mode_t mode) const {
  const int opened = calls_->open(dirfd, name.c_str(), O_RDWR | O_CREAT | O_EXCL, mode);
  if (opened < 0)
    return errno_status(errno, "creating " + name);
  return disk_file(calls_, opened, name);
}

absl::Status disk_folder::remove_outside(int dirfd, const std::string& name) const {
  return calls_->unlink(dirfd, name.c_str()) == 0 ? absl::OkStatus()
                                                  : errno_status(errno, "removing " + name);
}

absl::Status disk_folder::link(const std::string& name, int dirfd,
                               const std::string& new_name) const {
  if (calls_->link(fd(), name.c_str(), dirfd, new_name.c_str()) == 0)
    return absl::OkStatus();
  return link_status(errno, path_of(name), new_name);
}

absl::Status disk_folder::link_file(const disk_file& file, const std::string& new_name) const {
  if (calls_->link_file(file.fd(), fd(), new_name.c_str()) == 0)
    return absl::OkStatus();
  return link_status(errno, file.name(), path_of(new_name));
}

absl::StatusOr<bool> disk_folder::remove_if_there(const std::string& name) const {
  if (calls_->unlink(fd(), name.c_str()) == 0)
    return true;
  if (errno == ENOENT)
    return false;
  return errno_status(errno, "removing " + path_of(name));
}

absl::Status disk_folder::remove_folder(const std::string& name) const {
  if (calls_->remove_folder(fd(), name.c_str()) != 0 && errno != ENOENT)
    return errno_status(errno, "removing " + path_of(name));
  return absl::OkStatus();
}

absl::Status disk_folder::list(const std::function<absl::Status(const std::string&)>& visit) const {
  absl::Status status;
  if (calls_->list(fd(),
                   [&](const char* name) {
                     status = visit(name);
                     return status.ok();
                   })
      != 0)
    return errno_status(errno, "listing folder " + file_->name());
  return status;
}

absl::StatusOr<struct statvfs> disk_folder::filesystem() const {
  struct statvfs facts {};
  if (calls_->stat_filesystem(fd(), facts) != 0)
    return errno_status(errno, "asking for the free space at " + file_->name());
  return facts;
}

} // namespace expbuild
