#include "storage/store_lock.hpp"

#include "storage/posix.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace expbuild {

namespace {

constexpr char format[] = "expbuild-store 2\n";
/// What lies in it is still found; nothing before format 2 knows what lies in it then.
constexpr char older_format[] = "expbuild-store 1\n";

std::string read_small(int fd) {
  char buffer[256];
  const auto n = ::pread(fd, buffer, sizeof buffer, 0);
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
}

std::string without_newline(std::string text) {
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

/// `what` it is, and what the configuration calls it: "the store", "root_dir".
absl::StatusOr<unique_fd> lock_folder(const std::filesystem::path& folder, const std::string& what,
                                      const std::string& key) {
  const auto path = (folder / "LOCK").string();
  unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd)
    return errno_status(errno, "opening " + path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return absl::FailedPreconditionError(what + " at " + folder.string() + " is in use by process "
                                         + without_newline(read_small(fd.get()))
                                         + ": stop it, or give this server a " + key
                                         + " of its own");
  const auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return errno_status(errno, "writing " + path);
  return fd;
}

absl::Status write_format(int root_fd, const std::string& path) {
  constexpr const char* temporary = "FORMAT.new";
  const unique_fd made(
      ::openat(root_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made)
    return errno_status(errno, "creating " + path);
  if (auto status = write_all(made.get(), format, "writing " + path); !status.ok())
    return status;
  if (::fsync(made.get()) != 0 || ::renameat(root_fd, temporary, root_fd, "FORMAT") != 0
      || ::fsync(root_fd) != 0)
    return errno_status(errno, "writing " + path);
  return absl::OkStatus();
}

absl::Status check_format(int root_fd, const std::filesystem::path& root) {
  const auto path = (root / "FORMAT").string();
  const unique_fd present(::openat(root_fd, "FORMAT", O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (present) {
    const auto found = read_small(present.get());
    if (found == format)
      return absl::OkStatus();
    if (found == older_format)
      return write_format(root_fd, path);
    return absl::UnimplementedError(path + " says '" + without_newline(found)
                                    + "', this server reads '" + without_newline(format)
                                    + "': use the version that wrote it, or another root_dir");
  }
  return write_format(root_fd, path);
}

} // namespace

absl::StatusOr<store_lock> store_lock::acquire(const std::filesystem::path& root) {
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(root, error);
  if (error)
    return errno_status(error.value(), "making the folder of the store at " + root.string());
  if (is_new)
    std::filesystem::permissions(root, std::filesystem::perms::owner_all, error);
  const unique_fd top(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top)
    return errno_status(errno, "opening the store at " + root.string());
  auto fd = lock_folder(root, "the store", "root_dir");
  if (!fd.ok())
    return fd.status();
  if (auto status = check_format(top.get(), root); !status.ok())
    return status;
  return store_lock(fd->release());
}

absl::StatusOr<store_lock> store_lock::hold(const std::filesystem::path& folder,
                                            const std::string& key) {
  auto fd = lock_folder(folder, "the " + key, key);
  if (!fd.ok())
    return fd.status();
  return store_lock(fd->release());
}

store_lock::store_lock(store_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

store_lock& store_lock::operator=(store_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

store_lock::~store_lock() {
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace expbuild
