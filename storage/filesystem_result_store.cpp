#include "storage/folder_listing.hpp"
#include "storage/posix.hpp"
#include "storage/result_record.hpp"
#include "storage/result_store.hpp"
#include "storage/temporary_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace expbuild {

namespace {

constexpr mode_t folder_mode = 0700;

std::string file_of(const digest& action) {
  return action.hash() + "-" + std::to_string(action.size_bytes());
}

absl::StatusOr<std::string> read_all(int fd, const std::string& what) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0)
    return errno_status(errno, "reading " + what);
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno_status(errno, "reading " + what);
    if (n == 0)
      break;
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

class filesystem_result_store : public result_store {
public:
  filesystem_result_store(unique_fd results, unique_fd tmp)
      : results_(std::move(results)), tmp_(std::make_shared<const unique_fd>(std::move(tmp))) {}

  absl::Status sweep() {
    return list_folder(tmp_->get(), ".", [this](const std::string& name) {
      ::unlinkat(tmp_->get(), name.c_str(), 0);
      return absl::OkStatus();
    });
  }

  absl::StatusOr<reapi::ActionResult> get(const digest& action) override {
    const auto what = "the result of action " + action.to_string();
    const auto fd = open_beneath(results_.get(), shard_path(action) + "/" + file_of(action),
                                 O_RDONLY | O_NOFOLLOW);
    if (absl::IsNotFound(fd.status()))
      return absl::NotFoundError(what + " is not stored here");
    if (!fd.ok())
      return fd.status();
    const auto bytes = read_all(fd->get(), what);
    if (!bytes.ok())
      return bytes.status();
    auto result = decode_result(*bytes);
    if (result.ok())
      return result;
    if (auto status = remove(action); !status.ok())
      return status;
    return absl::NotFoundError(what + " was damaged and is gone");
  }

  absl::Status put(const digest& action, const reapi::ActionResult& result) override {
    auto file = temporary_file::create(tmp_, 0600);
    if (!file.ok())
      return file.status();
    const auto what = "writing the result of action " + action.to_string();
    if (auto status = write_all(file->fd(), encode_result(result), what); !status.ok())
      return status;
    auto function = make_folder(results_.get(), to_string(action.function()), folder_mode);
    if (!function.ok())
      return function.status();
    auto shard = make_folder(function->get(), action.hash().substr(0, 2), folder_mode);
    if (!shard.ok())
      return shard.status();
    return file->rename_to(shard->get(), file_of(action), 0600);
  }

  absl::Status remove(const digest& action) override {
    const auto shard = open_beneath(results_.get(), shard_path(action), O_PATH | O_DIRECTORY);
    if (!shard.ok())
      return absl::IsNotFound(shard.status()) ? absl::OkStatus() : shard.status();
    if (::unlinkat(shard->get(), file_of(action).c_str(), 0) != 0 && errno != ENOENT)
      return errno_status(errno, "removing the result of action " + action.to_string());
    return absl::OkStatus();
  }

private:
  static std::string shard_path(const digest& action) {
    return to_string(action.function()) + "/" + action.hash().substr(0, 2);
  }

  unique_fd results_;
  std::shared_ptr<const unique_fd> tmp_;
};

} // namespace

absl::StatusOr<std::shared_ptr<result_store>>
make_filesystem_result_store(filesystem_result_store_options options) {
  std::error_code error;
  std::filesystem::create_directories(options.root, error);
  const unique_fd root(::open(options.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root)
    return errno_status(errno, "opening the action cache at " + options.root.string());
  auto results = make_folder(root.get(), "results", folder_mode);
  if (!results.ok())
    return results.status();
  auto tmp = make_folder(root.get(), "tmp", folder_mode);
  if (!tmp.ok())
    return tmp.status();
  auto store = std::make_shared<filesystem_result_store>(*std::move(results), *std::move(tmp));
  if (auto status = store->sweep(); !status.ok())
    return status;
  return store;
}

} // namespace expbuild
