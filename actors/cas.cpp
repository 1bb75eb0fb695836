#include "actors/cas.hpp"

#include "actors/background.hpp"
#include "actors/log.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("cas");
  return instance;
}

/// Gives the writer's place in the budget back when it goes, committed or not.
class budgeted_writer : public blob_writer {
public:
  budgeted_writer(std::unique_ptr<blob_writer> inner, cas_actor owner)
      : inner_(std::move(inner)), owner_(std::move(owner)) {}
  ~budgeted_writer() override { caf::anon_send(owner_, write_ended{}); }

  std::int64_t size() const noexcept override { return inner_->size(); }
  absl::Status append(std::string_view bytes) override { return inner_->append(bytes); }
  absl::Status commit() override { return inner_->commit(); }

private:
  std::unique_ptr<blob_writer> inner_;
  cas_actor owner_;
};

/// Opens what is believed present; tells the actor what turned out not to be.
opened_blobs open_all(backend& store, const cas_actor& owner, const std::vector<digest>& ids,
                      const std::vector<bool>& present) {
  opened_blobs opened;
  blobs_lost gone;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!present[i]) {
      opened.emplace_back(
          absl::NotFoundError("blob " + ids[i].to_string() + " is not stored here"));
      continue;
    }
    opened.push_back(store.open(ids[i]));
    if (absl::IsNotFound(opened.back().status()))
      gone.digests.push_back(ids[i]);
  }
  if (!gone.digests.empty())
    caf::anon_send(owner, std::move(gone));
  return opened;
}

} // namespace

void cas_state::find(const find_missing& request, const reply<missing_blobs>& answer) {
  missing_blobs missing;
  for (const auto& id : request.digests)
    if (!options.present.contains(id))
      missing.digests.push_back(id);
  options.meters->blob_found_or_missing(request.digests.size() - missing.digests.size(),
                                        missing.digests.size());
  answer(std::move(missing));
}

void cas_state::find_hash(const find_by_hash& request, const reply<std::optional<digest>>& answer) {
  const auto found = options.present.find_hash(request.function, request.raw_hash);
  options.meters->blob_found_or_missing(found ? 1 : 0, found ? 0 : 1);
  answer(found);
}

void cas_state::open(const open_blobs& request, const reply<opened_blobs>& answer) {
  std::vector<bool> present;
  bool must_wait = false;
  for (const auto& id : request.digests) {
    present.push_back(options.present.contains(id));
    must_wait = must_wait || (present.back() && !options.store->in_memory(id));
  }
  auto work = [store = options.store, owner = cas_actor{self}, ids = request.digests,
               present = std::move(present),
               answer] { answer(open_all(*store, owner, ids, present)); };
  if (!must_wait)
    return work(); // no disk is touched
  if (!in_background(*options.io, io_pool::lane::short_work, std::move(work)))
    answer(pool_is_full());
}

void cas_state::begin_all(const begin_writes& request, const reply<begun_writes>& answer) {
  std::vector<bool> wanted;
  std::uint64_t count = 0;
  for (const auto& id : request.digests) {
    wanted.push_back(!options.present.contains(id));
    count += wanted.back() ? 1 : 0;
  }
  if (open_writes + count > options.max_open_writes)
    return answer(absl::ResourceExhaustedError(
        "the server is already receiving " + std::to_string(open_writes)
        + " blobs, its limit; try again when some are finished"));
  open_writes += count;
  auto work = [store = options.store, owner = cas_actor{self}, ids = request.digests, wanted,
               answer] {
    begun_writes begun;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!wanted[i]) {
        begun.emplace_back(nullptr);
        continue;
      }
      auto writer = store->begin_write(ids[i]);
      if (!writer.ok()) {
        caf::anon_send(owner, write_ended{});
        begun.emplace_back(writer.status());
        continue;
      }
      begun.emplace_back(std::make_shared<budgeted_writer>(*std::move(writer), owner));
    }
    answer(std::move(begun));
  };
  if (count == 0)
    return work();
  if (in_background(*options.io, io_pool::lane::short_work, std::move(work)))
    return;
  open_writes -= count;
  answer(pool_is_full());
}

void cas_state::stored(const blobs_stored& event, const reply<unit>& answer) {
  for (const auto& id : event.digests)
    options.present.add(id);
  report();
  answer(unit{});
}

void cas_state::lost(const blobs_lost& event) {
  for (const auto& id : event.digests) {
    if (!options.present.contains(id))
      continue; // it was never here: no news
    logger().warn("blob {} was expected in the store but is not there", id.to_string());
    options.present.remove(id);
  }
  report();
}

cas_stats cas_state::stats() const {
  return {options.present.blobs(), options.present.bytes(), open_writes};
}

void cas_state::report() const {
  options.meters->blobs(options.present.blobs(), options.present.bytes());
}

cas_actor::behavior_type cas(cas_state::pointer self, cas_options options) {
  self->state.options = std::move(options);
  auto& state = self->state;
  state.options.meters->blobs(state.options.present.blobs(), state.options.present.bytes());
  return traced_behavior(
      self, cas_state::name,
      cas_actor::behavior_type{
          [&state](const find_missing& x, const reply<missing_blobs>& answer) {
            state.find(x, answer);
          },
          [&state](const find_by_hash& x, const reply<std::optional<digest>>& answer) {
            state.find_hash(x, answer);
          },
          [&state](const open_blobs& x, const reply<opened_blobs>& answer) {
            state.open(x, answer);
          },
          [&state](const begin_writes& x, const reply<begun_writes>& answer) {
            state.begin_all(x, answer);
          },
          [&state](const blobs_stored& x, const reply<unit>& answer) { state.stored(x, answer); },
          [&state](const blobs_lost& x) { state.lost(x); },
          [&state](const write_ended&) { --state.open_writes; },
          [&state](const get_cas_stats&, const reply<cas_stats>& answer) {
            answer(state.stats());
          }});
}

} // namespace expbuild
