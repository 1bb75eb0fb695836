#include "storage/blob_folders.hpp"

#include "storage/folder_listing.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace expbuild {

namespace {

constexpr mode_t folder_mode = 0700;

std::string shard_of(const digest& id) {
  return expbuild::to_string(id.function()) + "/" + id.hash().substr(0, 2);
}

std::string file_of(const digest& id) {
  return id.hash() + "-" + std::to_string(id.size_bytes());
}

std::string path_of(const digest& id) {
  return shard_of(id) + "/" + file_of(id);
}

/// The digest that a file name stands for; NOT_FOUND for a foreign file.
absl::StatusOr<digest> parse_file(const std::string& name, digest_function function) {
  const auto dash = name.find('-');
  std::int64_t size = -1;
  if (dash == std::string::npos)
    return absl::NotFoundError("foreign file");
  const auto* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + dash + 1, end, size);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return absl::NotFoundError("foreign file");
  return digest::parse(std::string_view(name).substr(0, dash), size, function);
}

absl::StatusOr<unique_fd> open_shard(int root, const digest& id) {
  auto function = make_folder(root, expbuild::to_string(id.function()), folder_mode);
  if (!function.ok())
    return function.status();
  return make_folder(function->get(), id.hash().substr(0, 2), folder_mode);
}

/// Renames into a shard, making the shard only when it is not there yet.
absl::Status rename_into(temporary_file& file, int root, const digest& id, mode_t mode) {
  auto shard = open_beneath(root, shard_of(id), O_PATH | O_DIRECTORY);
  if (!shard.ok())
    shard = open_shard(root, id);
  if (!shard.ok())
    return shard.status();
  return file.rename_to(shard->get(), file_of(id), mode);
}

absl::Status copy_bytes(int from, int to) {
  off_t offset = 0;
  for (;;) {
    const auto n = ::copy_file_range(from, &offset, to, nullptr, std::size_t{16} << 20, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno_status(errno, "copying a blob");
    if (n == 0)
      return absl::OkStatus();
  }
}

} // namespace

absl::StatusOr<std::shared_ptr<blob_folders>>
blob_folders::open_root(const std::filesystem::path& root) {
  std::error_code error;
  std::filesystem::create_directories(root, error);
  const unique_fd top(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top)
    return errno_status(errno, "opening the store at " + root.string());
  auto folders = std::make_shared<blob_folders>();
  auto blobs = make_folder(top.get(), "blobs", folder_mode);
  auto executables = make_folder(top.get(), "executables", folder_mode);
  auto tmp = make_folder(top.get(), "tmp", folder_mode);
  for (const auto* each : {&blobs, &executables, &tmp})
    if (!each->ok())
      return each->status();
  folders->blobs_ = *std::move(blobs);
  folders->executables_ = *std::move(executables);
  folders->tmp_ = std::make_shared<const unique_fd>(*std::move(tmp));
  if (auto status = folders->sweep_temporary(); !status.ok())
    return status;
  return folders;
}

absl::Status blob_folders::sweep_temporary() const {
  return list_folder(tmp_->get(), ".", [this](const std::string& name) {
    ::unlinkat(tmp_->get(), name.c_str(), 0);
    return absl::OkStatus();
  });
}

absl::StatusOr<unique_fd> blob_folders::open(const digest& id) const {
  auto fd = open_beneath(blobs_.get(), path_of(id), O_RDONLY | O_NOFOLLOW);
  if (absl::IsNotFound(fd.status()))
    return absl::NotFoundError("blob " + id.to_string() + " is not stored here");
  if (!fd.ok())
    return fd.status();
  struct stat facts {};
  if (::fstat(fd->get(), &facts) != 0)
    return errno_status(errno, "looking at blob " + id.to_string());
  if (facts.st_size == id.size_bytes())
    return fd;
  if (auto status = remove(id); !status.ok())
    return status;
  return absl::NotFoundError("blob " + id.to_string() + " was damaged and is gone");
}

absl::StatusOr<temporary_file> blob_folders::make_temporary() const {
  return temporary_file::create(tmp_, 0600);
}

absl::Status blob_folders::publish(temporary_file file, const digest& id) const {
  return rename_into(file, blobs_.get(), id, 0444);
}

absl::Status blob_folders::remove(const digest& id) const {
  for (const auto* root : {&blobs_, &executables_}) {
    const auto shard = open_beneath(root->get(), shard_of(id), O_PATH | O_DIRECTORY);
    if (!shard.ok())
      continue;
    if (::unlinkat(shard->get(), file_of(id).c_str(), 0) != 0 && errno != ENOENT)
      return errno_status(errno, "removing blob " + id.to_string());
  }
  return absl::OkStatus();
}

absl::Status blob_folders::for_each(const std::function<void(const digest&)>& visit) const {
  return list_folder(blobs_.get(), ".", [&](const std::string& function_name) {
    const auto function = parse_digest_function(function_name);
    if (!function.ok())
      return absl::OkStatus();
    return list_folder(blobs_.get(), function_name, [&](const std::string& shard) {
      const auto path = function_name + "/" + shard;
      return list_folder(blobs_.get(), path, [&](const std::string& name) {
        const auto id = parse_file(name, *function);
        struct stat facts {};
        if (!id.ok()
            || ::fstatat(blobs_.get(), (path + "/" + name).c_str(), &facts, AT_SYMLINK_NOFOLLOW)
                   != 0)
          return absl::OkStatus();
        if (S_ISREG(facts.st_mode) && facts.st_size == id->size_bytes()) {
          visit(*id);
          return absl::OkStatus();
        }
        return remove(*id);
      });
    });
  });
}

absl::Status blob_folders::make_executable_copy(const digest& id, int source) const {
  auto file = make_temporary();
  if (!file.ok())
    return file.status();
  if (auto status = copy_bytes(source, file->fd()); !status.ok())
    return status;
  return rename_into(*file, executables_.get(), id, 0555);
}

absl::Status blob_folders::link_into(const digest& id, int source, int dirfd,
                                     const std::string& name, bool executable) const {
  const int root = executable ? executables_.get() : blobs_.get();
  const auto path = path_of(id);
  const auto link = [&] { return ::linkat(root, path.c_str(), dirfd, name.c_str(), 0) == 0; };
  if (link())
    return absl::OkStatus();
  if (errno == ENOENT && executable) {
    if (auto status = make_executable_copy(id, source); !status.ok())
      return status;
    if (link())
      return absl::OkStatus();
  }
  if (errno == EXDEV || errno == EMLINK || errno == EPERM)
    return absl::UnimplementedError("blob " + id.to_string() + " can not be linked here");
  return errno_status(errno, "linking blob " + id.to_string() + " to " + name);
}

} // namespace expbuild
