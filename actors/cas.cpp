#include "actors/cas.hpp"

#include "actors/background.hpp"
#include "actors/cas_disk_work.hpp"
#include "actors/log.hpp"
#include "actors/write_permit.hpp"

#include <caf/send.hpp>

namespace expbuild {

namespace {

/// Blobs that one round of eviction takes: the room that they leave is given out before the next.
constexpr std::size_t evicted_at_once = 512;

spdlog::logger& logger() {
  static auto& instance = log_of("cas");
  return instance;
}

} // namespace

void cas_state::begin(cas_options given) {
  options = std::move(given);
  budget_ = std::make_unique<space_budget>(options.limits);
  budget_->measured(options.store->usage());
  report();
}

// ---- looking up --------------------------------------------------------------------------------

void cas_state::find(const find_missing& request, const reply<missing_blobs>& answer) {
  const auto now = options.clock();
  const auto until = now + lease_seconds();
  auto missing = chosen(request.digests, index().promise(request.digests, now, until));
  const auto asked = request.digests.size();
  auto tell = [meters = options.meters, asked, answer](std::vector<digest> gone) {
    meters->blob_found_or_missing(asked - gone.size(), gone.size());
    answer(missing_blobs{std::move(gone)});
  };
  if (missing.empty() || options.store->is_index_complete())
    return tell(std::move(missing));
  auto work = [store = options.store, missing = std::move(missing), now, until, tell] {
    tell(really_missing(*store, missing, now, until));
  };
  if (!in_background(*options.io, io_pool::lane::short_work, std::move(work)))
    answer(pool_is_full());
}

void cas_state::find_hash(const find_by_hash& request, const reply<std::optional<digest>>& answer) {
  auto found = index().find_hash(request.function, request.raw_hash);
  const auto now = options.clock();
  if (found && !index().promise({&*found, 1}, now, now + lease_seconds()).empty())
    found.reset();                                   // it went in between
  if (!found && !options.store->is_index_complete()) // by its hash alone it has no place to look at
    return answer(absl::UnavailableError("the server has just started and is still finding out "
                                         "what it holds; try again in a moment"));
  options.meters->blob_found_or_missing(found ? 1 : 0, found ? 0 : 1);
  answer(found);
}

void cas_state::open(const open_blobs& request, const reply<opened_blobs>& answer) {
  bool must_wait = false;
  for (const auto& id : request.digests)
    must_wait = must_wait
                || (!options.store->in_memory(id)
                    && (index().contains(id) || !options.store->is_index_complete()));
  auto work = [store = options.store, ids = request.digests, answer] {
    answer(open_all(*store, ids));
  };
  if (!must_wait)
    return work(); // no disk is touched
  if (!in_background(*options.io, io_pool::lane::short_work, std::move(work)))
    answer(pool_is_full());
}

// ---- writing -----------------------------------------------------------------------------------

/// What is there already is promised: whoever would write it need not.
cas_state::wish cas_state::wish_of(const admit_writes& request) {
  const auto& ids = request.digests;
  const auto now = options.clock();
  wish x;
  x.wanted.resize(ids.size());
  for (const auto i : index().promise(ids, now, now + lease_seconds())) {
    x.wanted[i] = true;
    x.count = request.one_by_one ? x.count + 1 : 1;
    const auto one = room_of(ids[i]);
    x.needed.bytes += one.bytes;
    x.needed.files += one.files;
  }
  return x;
}

/// A packed blob takes a little more than its size.
room cas_state::room_of(const digest& id) const {
  return {.bytes = file_charge(id.size_bytes()), .files = options.store->takes_a_file(id) ? 1 : 0};
}

void cas_state::admit(const admit_writes& request, const reply<admitted_writes>& answer) {
  auto x = wish_of(request);
  if (open_writes_ + x.count > options.max_open_writes)
    return answer(absl::ResourceExhaustedError(
        "the server is already receiving " + std::to_string(open_writes_)
        + " blobs, its limit; try again when some are finished"));
  if (x.count == 0 || (waiting_.empty() && budget_->fits(x.needed)))
    return grant(std::move(x), answer);
  if (auto status = may_wait(x); !status.ok())
    return answer(status);
  waiting_.push_back({request, answer});
  if (evicting_ || evict_some())
    return;
  measure(); // somebody else may have made room on the disk
  if (!measuring_)
    refuse_waiting();
}

absl::Status cas_state::may_wait(const wish& x) const {
  if (budget_->is_hopeless(x.needed.bytes))
    return absl::ResourceExhaustedError(
        "a write of " + std::to_string(x.needed.bytes) + " bytes is too large for a store of "
        + std::to_string(budget_->limit()) + " bytes (max_size_bytes)");
  if (!options.store->is_index_complete())
    return absl::UnavailableError("the store is full, and the server is still finding out what it "
                                  "holds; try again in a moment");
  if (waiting_.size() >= options.max_waiting)
    return absl::ResourceExhaustedError("the store is full, and too many writes wait for room; "
                                        "try again in a moment");
  return absl::OkStatus();
}

void cas_state::grant(wish x, const reply<admitted_writes>& answer) {
  open_writes_ += x.count;
  options.meters->open_writes(open_writes_);
  budget_->reserve(x.needed);
  answer(admitted_writes{
      std::move(x.wanted),
      x.count == 0 ? nullptr : std::make_shared<const write_permit>(self, x.count, x.needed)});
  look_after_space();
}

void cas_state::begin_all(const begin_writes& request, const reply<begun_writes>& answer) {
  auto open = [store = options.store, io = options.io, ids = request.digests,
               answer](absl::StatusOr<admitted_writes> x) {
    if (!x.ok())
      return answer(x.status());
    auto work = [store, ids, admitted = *std::move(x), answer] {
      answer(open_writers(*store, ids, admitted));
    };
    if (!in_background(*io, io_pool::lane::short_work, std::move(work)))
      answer(pool_is_full());
  };
  admit(admit_writes{.trace = request.trace, .digests = request.digests, .one_by_one = true},
        reply<admitted_writes>(std::move(open)));
}

void cas_state::ended(const writes_ended& event) {
  open_writes_ -= event.count;
  options.meters->open_writes(open_writes_);
  budget_->release(event.reserved);
  if (budget_->is_outdated())
    measure();
  serve_waiting();
}

void cas_state::stored(const blobs_stored& event, const reply<unit>& answer) {
  if (!event.admitted && index().stats().promised_bytes > budget_->limit()) {
    options.meters->writes_refused(event.digests.size());
    return answer(full_of_promises(0));
  }
  const auto now = options.clock();
  const auto gone = index().promise(event.digests, now, now + lease_seconds());
  for (const auto& id : event.digests) {
    budget_->stored(room_of(id));
    options.meters->blob_stored(id.size_bytes());
  }
  report();
  if (gone.empty())
    answer(unit{});
  else
    answer(absl::UnavailableError(
        "blob " + event.digests[gone.front()].to_string()
        + " was lost again before anybody could be promised it; send it again"));
  if (budget_->is_outdated())
    measure();
  look_after_space();
}

void cas_state::lost(const blobs_lost& event) {
  for (const auto& id : event.digests) {
    const auto entry = index().doom(id); // not found from here on
    if (!entry)
      continue; // it was never here, or the store knows
    logger().warn("blob {} was expected in the store but is not there", id.to_string());
    in_background(*options.io, io_pool::lane::write_work, [store = options.store, entry = *entry] {
      if (const auto status = store->evict({&entry, 1}); !status.ok())
        logger().warn("{}", status.ToString());
    });
  }
  report();
}

// ---- room --------------------------------------------------------------------------------------

void cas_state::look_after_space() {
  if (!evicting_ && budget_->excess() > 0 && options.store->is_index_complete())
    evict_some();
}

/// False when nothing can go: everything was promised to somebody (or the pool is full).
bool cas_state::evict_some() {
  auto victims = index().choose_victims(std::max<std::int64_t>(budget_->excess(), 1),
                                        evicted_at_once, options.clock());
  if (victims.empty())
    return false;
  auto work = [store = options.store, victims, me = cas_actor{self},
               age = age_of_youngest(victims)] {
    space_measured event;
    event.status = store->evict(victims);
    event.usage = store->usage();
    event.eviction_over = true;
    event.evicted = victims.size();
    for (const auto& x : victims)
      event.evicted_bytes += x.id.size_bytes();
    event.youngest_evicted = age;
    caf::anon_send(me, std::move(event));
  };
  evicting_ = in_background(*options.io, io_pool::lane::long_work, std::move(work));
  if (!evicting_) // too much other work: they stay
    for (const auto& x : victims)
      index().add(x.id, x.place, x.stamp);
  return evicting_;
}

/// A promise is made when a blob is stored or asked for, and lasts for a lease and a tenth of it
/// (the index stretches it, so that it need not be renewed at every use).
std::optional<std::chrono::seconds>
cas_state::age_of_youngest(const std::vector<blob_index::victim>& victims) const {
  store_seconds last = 0;
  for (const auto& x : victims)
    last = std::max(last, x.promised_until);
  if (last == 0)
    return std::nullopt;
  return std::max(std::chrono::seconds(options.clock()) + options.lease + options.lease / 10
                      - std::chrono::seconds(last),
                  std::chrono::seconds(0));
}

void cas_state::measure() {
  if (measuring_ || evicting_)
    return;
  measuring_ = in_background(*options.io, io_pool::lane::short_work,
                             [store = options.store, me = cas_actor{self}] {
                               space_measured event;
                               event.usage = store->usage();
                               caf::anon_send(me, std::move(event));
                             });
}

void cas_state::measured(const space_measured& event) {
  (event.eviction_over ? evicting_ : measuring_) = false;
  budget_->measured(event.usage);
  options.meters->blobs_evicted(event.evicted, event.evicted_bytes, event.youngest_evicted);
  if (!event.status.ok())
    logger().warn("making room in the store: {}", event.status.ToString());
  report();
  serve_waiting();
  const bool needed = budget_->excess() > 0 || !waiting_.empty();
  if (!needed || evicting_ || !options.store->is_index_complete() || evict_some())
    return;
  refuse_waiting();
}

void cas_state::serve_waiting() {
  while (!waiting_.empty()) {
    auto x = wish_of(waiting_.front().request);
    if (x.count > 0
        && (!budget_->fits(x.needed) || open_writes_ + x.count > options.max_open_writes))
      return;
    const auto answer = std::move(waiting_.front().answer);
    waiting_.pop_front();
    grant(std::move(x), answer);
  }
}

void cas_state::refuse_waiting() {
  if (waiting_.empty())
    return;
  options.meters->writes_refused(waiting_.size());
  const auto why = full_of_promises(wish_of(waiting_.front().request).needed.bytes);
  for (auto& x : std::exchange(waiting_, {}))
    x.answer(why);
}

absl::Status cas_state::full_of_promises(std::int64_t needed) {
  const auto promised = std::to_string(index().stats().promised_bytes);
  const auto limit = std::to_string(budget_->limit());
  const bool others_fill_it = budget_->used() + needed < budget_->limit() / 10 * 9;
  const auto why =
      others_fill_it
          ? "the disk of the store is full, and the " + promised
                + " bytes that the store could give back are promised to clients: make "
                  "room on that disk, or set a shorter lease_seconds"
          : "the store is full of blobs that clients were promised (" + promised + " of " + limit
                + " bytes): give it a larger max_size_bytes or a shorter lease_seconds";
  logger().warn("writes are refused: {}", why);
  return absl::ResourceExhaustedError(why);
}

// ---- reports -----------------------------------------------------------------------------------

cas_stats cas_state::stats() const {
  const auto x = options.store->index().stats();
  return {.blobs = x.blobs,
          .bytes = x.bytes,
          .open_writes = open_writes_,
          .used_bytes = budget_->used(),
          .max_bytes = budget_->limit(),
          .promised_bytes = x.promised_bytes,
          .index_complete = options.store->is_index_complete()};
}

void cas_state::report() const {
  const auto x = options.store->index().stats();
  options.meters->blobs(x.blobs, x.bytes);
  options.meters->store_space(budget_->used(), budget_->limit(), x.promised_bytes);
}

cas_actor::behavior_type cas(cas_state::pointer self, cas_options options) {
  auto& state = self->state;
  state.begin(std::move(options));
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
          [&state](const admit_writes& x, const reply<admitted_writes>& answer) {
            state.admit(x, answer);
          },
          [&state](const begin_writes& x, const reply<begun_writes>& answer) {
            state.begin_all(x, answer);
          },
          [&state](const blobs_stored& x, const reply<unit>& answer) { state.stored(x, answer); },
          [&state](const blobs_lost& x) { state.lost(x); },
          [&state](const writes_ended& x) { state.ended(x); },
          [&state](const space_measured& x) { state.measured(x); },
          [&state](const get_cas_stats&, const reply<cas_stats>& answer) { answer(state.stats()); },
          [](const ping&, const reply<unit>& answer) { answer(unit{}); }});
}

} // namespace expbuild
