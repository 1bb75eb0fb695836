#include "storage/disk/committer.hpp"
#include "storage/disk/older_results.hpp"
#include "storage/disk/packed_entries.hpp"
#include "storage/disk/store_upkeep.hpp"
#include "storage/disk/write_gate.hpp"
#include "storage/result_record.hpp"
#include "storage/result_store.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>

namespace expbuild {

namespace {

constexpr std::size_t evicted_at_once = 1024;
/// A result is small, whatever it names; this one is a mistake.
constexpr std::size_t max_record_bytes = std::size_t{64} << 20;
constexpr int moves_while_removing = 100;

/// Where to count serials from: no earlier process has used them.
std::uint64_t random_number() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

std::int64_t segment_bytes_for(std::int64_t max_bytes) {
  return std::clamp<std::int64_t>(max_bytes / 64, std::int64_t{256} << 10, std::int64_t{64} << 20);
}

absl::Status no_result(const digest& action) {
  return absl::NotFoundError("the result of action " + action.to_string() + " is not stored here");
}

class disk_result_store : public result_store {
public:
  disk_result_store(filesystem_result_store_options options, disk_folder root)
      : options_(std::move(options)), root_(std::move(root)), opened_at_(options_.clock()),
        index_({.max_bytes = options_.max_bytes, .grace = 0, .restores = false}) {}

  ~disk_result_store() override {
    upkeep_.stop();
    committer_ = nullptr;
    if (!options_.background || !entries_)
      return;
    trouble(flush());
    trouble(entries_->close());
  }

  absl::Status open() {
    const auto segments = root_.subfolder("segments");
    if (!segments.ok())
      return segments.status();
    auto status = root_.sync();
    if (!status.ok())
      return status;
    auto entries = packed_entries::open(
        index_,
        {.folder = *segments,
         .level = options_.level,
         .segment_bytes = segment_bytes_for(options_.max_bytes),
         .max_age = options_.background ? longest_wait : std::chrono::milliseconds(0),
         .whole = [](const digest&, std::string_view bytes) { return decode_result(bytes).ok(); },
         .events = options_.events});
    if (!entries.ok())
      return entries.status();
    entries_ = *std::move(entries);
    committer_ = std::make_unique<committer>(options_.background ? group_interval
                                                                 : std::chrono::milliseconds(0),
                                             [this] { trouble(flush()); });
    upkeep_.start(options_.background ? "result-upkeep" : nullptr, [this] { load(); });
    return absl::OkStatus();
  }

  absl::StatusOr<stored_result> get(const digest& action) override {
    upkeep_.wait_for(stage::all_known);
    const auto bytes = entries_->read(action);
    return bytes.ok() ? decode(*bytes) : read_error(action, bytes.status());
  }

  absl::StatusOr<stored_result> peek(const digest& action) override {
    upkeep_.wait_for(stage::all_known);
    const auto found = entries_->peek(action);
    return found.ok() ? decode(found->bytes) : read_error(action, found.status());
  }

  absl::Status put(const digest& action, const reapi::ActionResult& result,
                   const result_origin& origin) override {
    const auto record = encode_result(result, bounded(origin), ++last_serial_);
    if (record.size() > max_record_bytes)
      return absl::InvalidArgumentError("the result of action " + action.to_string() + " has "
                                        + std::to_string(record.size()) + " bytes; up to "
                                        + std::to_string(max_record_bytes) + " are kept");
    if (auto status = gate_.admit(); !status.ok())
      return status;
    const named_bytes entry{action, record};
    auto status = gate_.ended(entries_->store({&entry, 1}));
    if (status.ok())
      committer_->ask();
    return status;
  }

  absl::Status remove(const digest& action) override {
    upkeep_.wait_for(stage::all_known);
    const auto victim = index_.doom(action);
    return victim ? entries_->evict({&*victim, 1}) : absl::OkStatus();
  }

  absl::StatusOr<bool> remove_record(const digest& action, std::uint64_t serial) override {
    upkeep_.wait_for(stage::all_known);
    for (int moves = 0; moves < moves_while_removing; ++moves) {
      const auto found = entries_->peek(action);
      if (absl::IsNotFound(found.status()))
        return false;
      if (!found.ok())
        return found.status();
      const auto record = decode_result(found->bytes);
      if (!record.ok() || record->serial != serial)
        return false;
      const auto victim = index_.doom(action, found->place);
      if (!victim)
        continue; // replaced or moved since: read it again
      auto status = entries_->evict({&*victim, 1});
      committer_->ask();
      return status.ok() ? absl::StatusOr<bool>(true) : status;
    }
    return absl::UnavailableError("the record of action " + action.to_string()
                                  + " changes all the time; try again");
  }

  std::vector<digest> list(result_cursor& from, std::size_t count) override {
    upkeep_.wait_for(stage::all_known);
    return index_.list(from.next, count);
  }

  absl::Status flush() override {
    auto status = gate_.ended(entries_->sync());
    status.Update(make_room());
    return status;
  }

private:
  using stage = store_upkeep::stage;

  static absl::Status read_error(const digest& action, const absl::Status& why) {
    return absl::IsNotFound(why) ? no_result(action) : why;
  }

  absl::StatusOr<stored_result> decode(const std::string& bytes) const {
    auto found = decode_result(bytes);
    if (found.ok() && (found->origin.stored_at == 0 || found->origin.stored_at > options_.clock()))
      found->origin.stored_at = opened_at_;
    return found;
  }

  /// The least used ones go when there is not enough room.
  absl::Status make_room() {
    const std::lock_guard lock(room_guard_);
    const auto high = options_.max_bytes - options_.max_bytes / 20;
    const auto low = options_.max_bytes - options_.max_bytes / 10;
    if (!upkeep_.has_reached(stage::all_known) || entries_->bytes() <= high)
      return absl::OkStatus();
    absl::Status status;
    while (status.ok() && entries_->bytes() > low && goes_on()) {
      const auto victims = index_.choose_victims(entries_->bytes() - low, evicted_at_once, 0);
      status = entries_->evict(victims);
      status.Update(entries_->compact([this] { return goes_on(); }, 0.3));
      if (victims.empty())
        break;
    }
    return status;
  }

  void trouble(const absl::Status& why) const {
    if (!why.ok() && options_.events.trouble)
      options_.events.trouble(why);
  }

  void load() {
    entries_->load(options_.level != durability::none).IgnoreError(); // which was told
    upkeep_.reached(stage::all_known);
    trouble(take_over_older_results(
        root_, [this] { return goes_on(); },
        [this](const digest& action, const std::string& record) {
          const named_bytes entry{action, record};
          return index_.contains(action) ? absl::OkStatus() : entries_->store({&entry, 1});
        },
        [this] { return entries_->sync(); }));
  }

  bool goes_on() const { return !upkeep_.is_stopping(); }

  const filesystem_result_store_options options_;
  const disk_folder root_;
  const store_seconds opened_at_;
  std::atomic<std::uint64_t> last_serial_{random_number()};
  blob_index index_; ///< of results, by the digest of their action
  write_gate gate_;
  std::unique_ptr<packed_entries> entries_;
  std::mutex room_guard_;
  std::unique_ptr<committer> committer_;
  store_upkeep upkeep_;
};

} // namespace

absl::StatusOr<std::shared_ptr<result_store>>
make_filesystem_result_store(filesystem_result_store_options options) {
  auto root =
      disk_folder::open_root(options.calls ? options.calls : real_disk(), options.root.string());
  if (!root.ok())
    return root.status();
  auto store = std::make_shared<disk_result_store>(std::move(options), *std::move(root));
  if (auto status = store->open(); !status.ok())
    return status;
  return store;
}

} // namespace expbuild
