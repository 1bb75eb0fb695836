#include "storage/backend.hpp"
#include "storage/bounded_cache.hpp"
#include "storage/memory_reader.hpp"

#include <mutex>

namespace expbuild {

namespace {

/// The blobs that are remembered.
class memory {
public:
  explicit memory(const remembering_options& options)
      : max_blob_bytes_(options.max_blob_bytes), blobs_(options.max_bytes) {}

  bool takes(const digest& id) const { return id.size_bytes() <= max_blob_bytes_; }

  blob_bytes find(const digest& id) {
    const std::lock_guard lock(guard_);
    const auto* found = blobs_.find(id);
    return found == nullptr ? nullptr : *found;
  }

  void add(const digest& id, std::string bytes) {
    const auto size = bytes.size();
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    const std::lock_guard lock(guard_);
    blobs_.put(id, std::move(kept), sizeof(std::string) + 2 * sizeof(void*) + size);
  }

  void remove(const digest& id) {
    const std::lock_guard lock(guard_);
    blobs_.erase(id);
  }

private:
  const std::int64_t max_blob_bytes_;
  std::mutex guard_;
  bounded_cache<digest, blob_bytes> blobs_;
};

using memory_ptr = std::shared_ptr<memory>;
using backend_ptr = std::shared_ptr<backend>;

/// Reads from memory; only to link is the store below asked.
class remembered_reader : public memory_reader {
public:
  remembered_reader(const digest& id, blob_bytes bytes, backend_ptr below)
      : memory_reader(id, std::move(bytes)), below_(std::move(below)) {}

  absl::Status link_into(int dirfd, const std::string& name, bool executable) override {
    const auto reader = below_->open(id());
    return reader.ok() ? (*reader)->link_into(dirfd, name, executable) : reader.status();
  }

private:
  const backend_ptr below_;
};

/// Remembers a small blob when it is read as a whole.
class learning_reader : public blob_reader {
public:
  learning_reader(std::shared_ptr<blob_reader> below, memory_ptr remembered)
      : below_(std::move(below)), remembered_(std::move(remembered)) {}

  const digest& id() const noexcept override { return below_->id(); }

  absl::StatusOr<std::size_t> read_at(std::int64_t offset, std::span<char> out) override {
    auto n = below_->read_at(offset, out);
    if (n.ok())
      learn(offset, out.first(*n));
    return n;
  }

  absl::StatusOr<std::optional<std::size_t>> try_read_at(std::int64_t offset,
                                                         std::span<char> out) override {
    auto n = below_->try_read_at(offset, out);
    if (n.ok() && *n)
      learn(offset, out.first(**n));
    return n;
  }

  absl::Status link_into(int dirfd, const std::string& name, bool executable) override {
    return below_->link_into(dirfd, name, executable);
  }

private:
  void learn(std::int64_t offset, std::span<const char> bytes) {
    if (offset == 0 && static_cast<std::int64_t>(bytes.size()) == id().size_bytes())
      remembered_->add(id(), std::string(bytes.data(), bytes.size()));
  }

  const std::shared_ptr<blob_reader> below_;
  const memory_ptr remembered_;
};

/// Remembers a small blob once it is stored.
class learning_writer : public blob_writer {
public:
  learning_writer(const digest& id, std::unique_ptr<blob_writer> below, memory_ptr remembered)
      : id_(id), below_(std::move(below)), remembered_(std::move(remembered)) {}

  std::int64_t size() const noexcept override { return below_->size(); }

  absl::Status append(std::string_view bytes) override {
    auto status = below_->append(bytes);
    if (status.ok()) // never more than the digest's size
      bytes_.append(bytes);
    return status;
  }

  absl::Status commit() override {
    auto status = below_->commit();
    if (status.ok())
      remembered_->add(id_, std::move(bytes_));
    return status;
  }

private:
  const digest id_;
  const std::unique_ptr<blob_writer> below_;
  const memory_ptr remembered_;
  std::string bytes_;
};

/// What is remembered may be what the store has lost since: a sync failed, a record had rotted, a
/// reader learned it after it was evicted. So memory answers only for what the index knows; to be
/// told that a lost blob is there would keep everybody from storing it again.
class remembering_backend : public backend {
public:
  remembering_backend(backend_ptr below, const remembering_options& options)
      : below_(std::move(below)), remembered_(std::make_shared<memory>(options)) {}

  absl::StatusOr<std::shared_ptr<blob_reader>> open(const digest& id) override {
    if (auto bytes = remembered_->find(id)) {
      if (index().find(id)) // which is a use
        return std::make_shared<remembered_reader>(id, std::move(bytes), below_);
      remembered_->remove(id);
    }
    auto reader = below_->open(id);
    if (!reader.ok() || id.is_empty_blob() || !remembered_->takes(id))
      return reader;
    return std::make_shared<learning_reader>(*std::move(reader), remembered_);
  }

  blob_bytes in_memory(const digest& id) override {
    return index().contains(id) ? remembered_->find(id) : nullptr;
  }

  absl::StatusOr<std::unique_ptr<blob_writer>> begin_write(const digest& id) override {
    auto writer = below_->begin_write(id);
    if (!writer.ok() || id.is_empty_blob() || !remembered_->takes(id))
      return writer;
    return std::make_unique<learning_writer>(id, *std::move(writer), remembered_);
  }

  blob_index& index() override { return below_->index(); }
  bool is_index_complete() const override { return below_->is_index_complete(); }
  bool contains(const digest& id) override { return below_->contains(id); }
  bool takes_a_file(const digest& id) const override { return below_->takes_a_file(id); }
  absl::Status flush() override { return below_->flush(); }
  store_usage usage() override { return below_->usage(); }

  std::vector<absl::Status> write_all(std::span<const named_bytes> blobs) override {
    auto answers = below_->write_all(blobs);
    for (std::size_t i = 0; i < blobs.size(); ++i)
      if (const auto& x = blobs[i];
          answers[i].ok() && !x.id.is_empty_blob() && remembered_->takes(x.id))
        remembered_->add(x.id, std::string(x.bytes));
    return answers;
  }

  absl::Status remove(const digest& id) override {
    auto status = below_->remove(id);
    remembered_->remove(id);
    return status;
  }

  absl::Status evict(std::span<const blob_index::victim> victims) override {
    auto status = below_->evict(victims);
    for (const auto& x : victims)
      if (!index().contains(x.id))
        remembered_->remove(x.id);
    return status;
  }

  absl::Status for_each(const std::function<void(const digest&)>& visit) override {
    return below_->for_each(visit);
  }

private:
  const backend_ptr below_;
  const memory_ptr remembered_;
};

} // namespace

std::shared_ptr<backend> make_remembering_backend(std::shared_ptr<backend> below,
                                                  remembering_options options) {
  return std::make_shared<remembering_backend>(std::move(below), options);
}

} // namespace expbuild
