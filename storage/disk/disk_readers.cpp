#include "storage/disk/disk_readers.hpp"

#include "storage/memory_reader.hpp"
#include "storage/verified_writer.hpp"

namespace expbuild {

namespace {

using store_ptr = std::shared_ptr<disk_store>;

class file_reader : public blob_reader {
public:
  file_reader(const digest& id, disk_file file, store_ptr store)
      : id_(id), file_(std::move(file)), store_(std::move(store)) {}

  const digest& id() const noexcept override { return id_; }

  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) override {
    auto n = file_.read_at(offset, out);
    if (!n.ok())
      return failed(n.status());
    if (*n < out.size() && offset + static_cast<std::int64_t>(*n) < id_.size_bytes())
      return failed(absl::DataLossError("it is shorter than its digest says"));
    return n;
  }

  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) override {
    auto n = file_.try_read_at(offset, out);
    if (!n.ok() || !*n)
      return n;
    const auto end = offset + static_cast<std::int64_t>(**n);
    if (**n < out.size() && end < id_.size_bytes())
      return std::nullopt; // part of it is not in memory: the waiting read gets all of it
    return n;
  }

  absl::Status link_into(int dirfd, const std::string& name, bool executable) override {
    return store_->link_file(id_, file_, executable, dirfd, name);
  }

private:
  absl::Status failed(const absl::Status& why) {
    if (absl::IsUnavailable(why))
      return why;
    store_->lose(id_, why);
    return absl::DataLossError("blob " + id_.to_string()
                               + " can not be read: " + std::string(why.message()));
  }

  const digest id_;
  const disk_file file_;
  const store_ptr store_;
};

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
  absl::Status publish() override { return store_->publish(std::move(file_), id()); }

  temporary_file file_;
  const store_ptr store_;
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

std::shared_ptr<blob_reader> make_file_reader(const digest& id, disk_file file, store_ptr store) {
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
  return std::make_unique<file_writer>(id, std::move(file), std::move(store));
}

std::unique_ptr<blob_writer> make_packed_writer(const digest& id, store_ptr store) {
  return std::make_unique<packed_writer>(id, std::move(store));
}

} // namespace expbuild
