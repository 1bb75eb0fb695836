#include "storage/backend.hpp"
#include "storage/blob_folders.hpp"
#include "storage/posix.hpp"
#include "storage/verified_writer.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace expbuild {

namespace {

using folders_ptr = std::shared_ptr<blob_folders>;

// ---- reading ---------------------------------------------------------------------------------

class file_reader : public blob_reader {
public:
  file_reader(const digest& id, unique_fd fd, folders_ptr folders)
      : id_(id), fd_(std::move(fd)), folders_(std::move(folders)) {}

  const digest& id() const noexcept override { return id_; }

  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto n = ::pread(fd_.get(), out.data() + done, out.size() - done,
                             offset + static_cast<std::int64_t>(done));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno_status(errno, "reading blob " + id_.to_string());
      if (n == 0)
        break;
      done += static_cast<std::size_t>(n);
    }
    if (done < out.size() && offset + static_cast<std::int64_t>(done) < id_.size_bytes())
      return absl::DataLossError("blob " + id_.to_string() + " is shorter than its digest says");
    return done;
  }

  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) override {
    iovec into{out.data(), out.size()};
    const auto n = ::preadv2(fd_.get(), &into, 1, offset, RWF_NOWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == EINTR))
      return std::nullopt;
    if (n < 0)
      return errno_status(errno, "reading blob " + id_.to_string());
    const auto end = offset + n;
    if (static_cast<std::size_t>(n) < out.size() && end < id_.size_bytes())
      return std::nullopt; // part of it is not in memory: the waiting read gets all of it
    return static_cast<std::size_t>(n);
  }

  absl::Status link_into(int dirfd, const std::string& name, bool executable) override {
    return folders_->link_into(id_, fd_.get(), dirfd, name, executable);
  }

private:
  digest id_;
  unique_fd fd_;
  folders_ptr folders_;
};

/// The empty blob: there without a file.
class empty_reader : public blob_reader {
public:
  explicit empty_reader(const digest& id) : id_(id) {}
  const digest& id() const noexcept override { return id_; }
  absl::StatusOr<std::size_t> read_at(std::int64_t, std::span<char>) override { return 0; }
  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t, std::span<char>) override {
    return std::size_t{0};
  }

private:
  digest id_;
};

// ---- writing ---------------------------------------------------------------------------------

class file_writer : public verified_writer {
public:
  file_writer(const digest& id, temporary_file file, folders_ptr folders)
      : verified_writer(id), file_(std::move(file)), folders_(std::move(folders)) {}

private:
  absl::Status take(std::string_view bytes) override {
    return write_all(file_.fd(), bytes, "writing blob " + id().to_string());
  }
  absl::Status publish() override { return folders_->publish(std::move(file_), id()); }

  temporary_file file_;
  folders_ptr folders_;
};

/// Verifies and stores nothing.
class empty_writer : public verified_writer {
public:
  using verified_writer::verified_writer;

private:
  absl::Status take(std::string_view) override { return absl::OkStatus(); }
  absl::Status publish() override { return absl::OkStatus(); }
};

// ---- the backend -----------------------------------------------------------------------------

class filesystem_backend : public backend {
public:
  explicit filesystem_backend(folders_ptr folders) : folders_(std::move(folders)) {}

  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override {
    if (id.is_empty_blob())
      return std::make_shared<empty_reader>(id);
    auto fd = folders_->open(id);
    if (!fd.ok())
      return fd.status();
    return std::make_shared<file_reader>(id, *std::move(fd), folders_);
  }

  absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) override {
    if (id.is_empty_blob())
      return std::make_unique<empty_writer>(id);
    auto file = folders_->make_temporary();
    if (!file.ok())
      return file.status();
    return std::make_unique<file_writer>(id, *std::move(file), folders_);
  }

  absl::Status remove(const digest& id) override { return folders_->remove(id); }

  absl::Status for_each(const std::function<void(const digest&)>& visit) override {
    return folders_->for_each(visit);
  }

private:
  folders_ptr folders_;
};

} // namespace

absl::StatusOr<std::shared_ptr<backend>>
make_filesystem_backend(filesystem_backend_options options) {
  auto folders = blob_folders::open_root(options.root);
  if (!folders.ok())
    return folders.status();
  return std::make_shared<filesystem_backend>(*std::move(folders));
}

} // namespace expbuild
