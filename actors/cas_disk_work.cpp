#include "actors/cas_disk_work.hpp"

namespace expbuild {

namespace {

/// Holds the permit that it is written under.
class permitted_writer : public blob_writer {
public:
  permitted_writer(std::unique_ptr<blob_writer> inner, std::shared_ptr<const write_permit> permit)
      : inner_(std::move(inner)), permit_(std::move(permit)) {}

  std::int64_t size() const noexcept override { return inner_->size(); }
  absl::Status append(std::string_view bytes) override { return inner_->append(bytes); }
  absl::Status commit() override { return inner_->commit(); }

private:
  std::unique_ptr<blob_writer> inner_;
  std::shared_ptr<const write_permit> permit_;
};

} // namespace

std::vector<digest> chosen(const std::vector<digest>& ids, const std::vector<std::size_t>& places) {
  std::vector<digest> some;
  some.reserve(places.size());
  for (const auto i : places)
    some.push_back(ids[i]);
  return some;
}

std::vector<digest> really_missing(backend& store, const std::vector<digest>& ids,
                                   store_seconds now, store_seconds until) {
  for (const auto& id : ids)
    store.contains(id); // the index knows it then
  return chosen(ids, store.index().promise(ids, now, until));
}

opened_blobs open_all(backend& store, const std::vector<digest>& ids) {
  opened_blobs opened;
  opened.reserve(ids.size());
  for (const auto& id : ids)
    opened.push_back(store.open(id));
  return opened;
}

begun_writes open_writers(backend& store, const std::vector<digest>& ids,
                          const admitted_writes& admitted) {
  begun_writes begun;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!admitted.wanted[i]) {
      begun.emplace_back(nullptr);
      continue;
    }
    auto writer = store.begin_write(ids[i]);
    if (writer.ok())
      begun.emplace_back(std::make_shared<permitted_writer>(*std::move(writer), admitted.permit));
    else
      begun.emplace_back(writer.status());
  }
  return begun;
}

} // namespace expbuild
