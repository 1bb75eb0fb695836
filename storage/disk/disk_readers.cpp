#include "storage/disk/disk_readers.hpp"

#include "storage/disk/frame_writer.hpp"
#include "storage/memory_reader.hpp"
#include "storage/verified_writer.hpp"

namespace expbuild {

namespace {

using store_ptr = std::shared_ptr<disk_store>;

/// Bytes of a file in which a blob lies. When they can not be read, the blob is lost to the store.
class bytes_of_file : public blob_reader {
public:
  bytes_of_file(const digest& id, std::int64_t size, store_ptr store)
      : store_(std::move(store)), id_(id), size_(size) {}

  const digest& id() const noexcept override { return id_; }

  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) override {
    out = within(offset, out);
    auto n = read(offset, out);
    if (!n.ok())
      return failed(n.status());
    if (*n < out.size())
      return failed(absl::DataLossError("it is shorter than its digest says"));
    return n;
  }

  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) override {
    out = within(offset, out);
    auto n = try_read(offset, out);
    if (n.ok() && *n && **n < out.size())
      return std::nullopt; // part of it is not in memory: the waiting read gets all of it
    return n;
  }

protected:
  const store_ptr store_;

private:
  virtual const blob_file& file() const = 0;
  virtual absl::StatusOr<std::size_t> read(std::int64_t offset, std::span<char> out) = 0;
  virtual absl::StatusOr<std::optional<std::size_t>> try_read(std::int64_t offset,
                                                              std::span<char> out) = 0;

  /// As much of it as there are bytes.
  std::span<char> within(std::int64_t offset, std::span<char> out) const {
    const auto left = offset < 0 ? 0 : std::max<std::int64_t>(0, size_ - offset);
    return out.first(static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(out), left)));
  }

  absl::Status failed(const absl::Status& why) {
    if (absl::IsUnavailable(why))
      return why;
    store_->lose(id_, file(), why);
    return absl::DataLossError("blob " + id_.to_string()
                               + " can not be read: " + std::string(why.message()));
  }

  const digest id_;
  const std::int64_t size_;
};

class file_reader : public bytes_of_file, public std::enable_shared_from_this<file_reader> {
public:
  file_reader(const digest& id, blob_file file, store_ptr store)
      : bytes_of_file(id, id.size_bytes(), std::move(store)), file_(std::move(file)) {}

  absl::Status link_into(int dirfd, const std::string& name, bool executable) override {
    return store_->link_file(id(), file_, executable, dirfd, name);
  }

  packed_stream stored_stream(codec how) override;

  const blob_file& file() const override { return file_; }

private:
  absl::StatusOr<std::size_t> read(std::int64_t offset, std::span<char> out) override {
    return file_.read_at(offset, out);
  }
  absl::StatusOr<std::optional<std::size_t>> try_read(std::int64_t offset,
                                                      std::span<char> out) override {
    return file_.try_read_at(offset, out);
  }

  const blob_file file_;
};

/// The frames of a compressed file, as they lie there.
class stream_reader : public bytes_of_file {
public:
  stream_reader(std::shared_ptr<file_reader> of, std::int64_t size, store_ptr store)
      : bytes_of_file(of->id(), size, std::move(store)), of_(std::move(of)) {}

private:
  const blob_file& file() const override { return of_->file(); }
  absl::StatusOr<std::size_t> read(std::int64_t offset, std::span<char> out) override {
    return of_->file().file().read_at(offset, out);
  }
  absl::StatusOr<std::optional<std::size_t>> try_read(std::int64_t offset,
                                                      std::span<char> out) override {
    return of_->file().file().try_read_at(offset, out);
  }

  const std::shared_ptr<file_reader> of_;
};

packed_stream file_reader::stored_stream(codec how) {
  const auto size = file_.stream_bytes();
  if (how != codec::zstd || size == 0)
    return {};
  return {std::make_shared<stream_reader>(shared_from_this(), size, store_), size};
}

class packed_reader : public memory_reader {
public:
  packed_reader(const digest& id, blob_bytes bytes, store_ptr store)
      : memory_reader(id, bytes), bytes_(std::move(bytes)), store_(std::move(store)) {}

  absl::Status link_into(int dirfd, const std::string& name, bool executable) override {
    return store_->link_bytes(id(), *bytes_, executable, dirfd, name);
  }

private:
  const blob_bytes bytes_;
  const store_ptr store_;
};

class file_writer : public verified_writer {
public:
  file_writer(const digest& id, temporary_file file, store_ptr store)
      : verified_writer(id), file_(std::move(file)), store_(std::move(store)) {}

private:
  absl::Status take(std::string_view bytes) override {
    return file_.file().write_at(size(), bytes);
  }
  absl::Status publish() override {
    return store_->publish(std::move(file_), id(), stored_as::plain);
  }

  temporary_file file_;
  const store_ptr store_;
};

/// Compresses what is worth it.
class frames_writer : public verified_writer {
public:
  frames_writer(const digest& id, temporary_file file, store_ptr store)
      : verified_writer(id), file_(std::move(file)), store_(std::move(store)),
        frames_(id.size_bytes()) {}

private:
  absl::Status take(std::string_view bytes) override { return frames_.append(file_.file(), bytes); }
  absl::Status publish() override {
    const auto form = frames_.finish(file_.file());
    return form.ok() ? store_->publish(std::move(file_), id(), *form) : form.status();
  }

  temporary_file file_;
  const store_ptr store_;
  frame_writer frames_;
};

class packed_writer : public verified_writer {
public:
  packed_writer(const digest& id, store_ptr store)
      : verified_writer(id), store_(std::move(store)) {}

private:
  absl::Status take(std::string_view bytes) override {
    bytes_.append(bytes);
    return absl::OkStatus();
  }
  absl::Status publish() override {
    const named_bytes whole{id(), bytes_};
    return store_->publish_packed({&whole, 1});
  }

  const store_ptr store_;
  std::string bytes_;
};

class empty_writer : public verified_writer {
public:
  using verified_writer::verified_writer;

private:
  absl::Status take(std::string_view) override { return absl::OkStatus(); }
  absl::Status publish() override { return absl::OkStatus(); }
};

} // namespace

std::shared_ptr<blob_reader> make_empty_reader(const digest& id) {
  static const auto nothing = std::make_shared<const std::string>();
  return std::make_shared<memory_reader>(id, nothing);
}

std::shared_ptr<blob_reader> make_file_reader(const digest& id, blob_file file, store_ptr store) {
  return std::make_shared<file_reader>(id, std::move(file), std::move(store));
}

std::shared_ptr<blob_reader> make_packed_reader(const digest& id, std::string bytes,
                                                store_ptr store) {
  return std::make_shared<packed_reader>(id, std::make_shared<const std::string>(std::move(bytes)),
                                         std::move(store));
}

std::unique_ptr<blob_writer> make_empty_writer(const digest& id) {
  return std::make_unique<empty_writer>(id);
}

std::unique_ptr<blob_writer> make_file_writer(const digest& id, temporary_file file,
                                              store_ptr store) {
  if (store->compresses())
    return std::make_unique<frames_writer>(id, std::move(file), std::move(store));
  return std::make_unique<file_writer>(id, std::move(file), std::move(store));
}

std::unique_ptr<blob_writer> make_packed_writer(const digest& id, store_ptr store) {
  return std::make_unique<packed_writer>(id, std::move(store));
}

} // namespace expbuild
