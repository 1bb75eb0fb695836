#include "actors/cas.hpp"

#include "actors/background.hpp"
#include "actors/cas_disk_work.hpp"
#include "actors/log.hpp"
#include "actors/write_permit.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("cas");
  return instance;
}

} // namespace

void cas_state::begin(cas_options given) {
  options = std::move(given);
  budget_ = std::make_unique<space_budget>(options.limits);
  budget_->measured(options.store->usage());
  space_keeper_options keeping;
  keeping.store = options.store;
  keeping.io = options.io;
  keeping.lease = options.lease;
  keeping.clock = options.clock;
  // Weak: what this actor has must not keep it alive.
  keeping.tell = [me = caf::weak_actor_ptr{self->ctrl()}](space_measured x) {
    if (const auto alive = me.lock())
      caf::anon_send(caf::actor_cast<cas_actor>(alive), std::move(x));
  };
  space_ = std::make_unique<space_keeper>(std::move(keeping), *budget_);
  writes_ = std::make_unique<write_admission>(
      write_limits{.max_open_writes = options.max_open_writes, .max_waiting = options.max_waiting},
      *budget_);
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
write_wish cas_state::wish_of(const admit_writes& request) {
  const auto& ids = request.digests;
  const auto now = options.clock();
  write_wish x;
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
  const auto at_once = writes_->ask(x, options.store->is_index_complete());
  if (!at_once.ok())
    return answer(at_once.status());
  if (*at_once)
    return grant(std::move(x), answer);
  if (is_in_vain(x))
    return refuse(x, answer);
  writes_->queue().push_back({request, answer});
  go_on();
}

void cas_state::grant(write_wish x, const reply<admitted_writes>& answer) {
  writes_->begun(x);
  options.meters->open_writes(writes_->open_writes());
  answer(admitted_writes{
      std::move(x.wanted),
      x.count == 0 ? nullptr : std::make_shared<const write_permit>(self, x.count, x.needed)});
  space_->look_after();
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
  writes_->ended(event.count, event.reserved);
  options.meters->open_writes(writes_->open_writes());
  if (budget_->is_outdated())
    space_->measure();
  go_on();
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
    space_->measure();
  space_->look_after();
}

/// Whoever tells it has asked the store, which has forgotten the blob then. What it knows now may
/// have been stored again since, and been promised: so the store looks again, and decides.
void cas_state::lost(const blobs_lost& event) {
  std::vector<digest> doubtful;
  for (const auto& id : event.digests)
    if (index().contains(id))
      doubtful.push_back(id);
  if (!doubtful.empty())
    in_background(
        *options.io, io_pool::lane::short_work, [store = options.store, ids = std::move(doubtful)] {
          for (const auto& id : ids)
            if (absl::IsNotFound(store->open(id).status()))
              logger().warn("blob {} was expected in the store but is not there", id.to_string());
        });
  report();
}

// ---- room --------------------------------------------------------------------------------------

void cas_state::measured(const space_measured& event) {
  space_->measured(event);
  options.meters->blobs_evicted(event.evicted, event.evicted_bytes, event.youngest_evicted);
  if (!event.status.ok())
    logger().warn("making room in the store: {}", event.status.ToString());
  report();
  if (!serve_waiting())
    refuse_waiting();
  space_->look_after();
}

void cas_state::go_on() {
  if (serve_waiting() || space_->is_measuring())
    return;
  space_->measure(); // somebody else may have made room on the disk
  if (!space_->is_measuring())
    refuse_waiting();
}

bool cas_state::serve_waiting() {
  auto& queue = writes_->queue();
  while (!queue.empty()) {
    auto x = wish_of(queue.front().request);
    const bool ready = writes_->is_ready(x);
    if (!ready && !is_in_vain(x))
      return makes_room_for(x);
    const auto answer = std::move(queue.front().answer);
    queue.pop_front();
    if (ready)
      grant(std::move(x), answer);
    else
      refuse(x, answer);
  }
  return true;
}

bool cas_state::makes_room_for(const write_wish& x) {
  const auto lacking = budget_->lacking(x.needed);
  const bool lacks_a_writer = lacking == 0 && writes_->open_writes() > 0; // some write will end
  return lacks_a_writer || space_->is_evicting() || space_->evict_some(lacking);
}

/// Whatever goes, too little can: what is promised stays.
bool cas_state::is_in_vain(const write_wish& x) {
  return budget_->is_in_vain(x.needed.bytes, index().stats().promised_bytes);
}

void cas_state::refuse(const write_wish& x, const reply<admitted_writes>& answer) {
  options.meters->writes_refused(1);
  answer(full_of_promises(x.needed.bytes));
}

void cas_state::refuse_waiting() {
  auto& queue = writes_->queue();
  if (queue.empty())
    return;
  options.meters->writes_refused(queue.size());
  const auto why = full_of_promises(wish_of(queue.front().request).needed.bytes);
  for (auto& x : std::exchange(queue, {}))
    x.answer(why);
}

absl::Status cas_state::full_of_promises(std::int64_t needed) {
  auto why = writes_->full_of_promises(needed, index().stats().promised_bytes);
  logger().warn("writes are refused: {}", std::string(why.message()));
  return why;
}

// ---- reports -----------------------------------------------------------------------------------

cas_stats cas_state::stats() const {
  const auto x = options.store->index().stats();
  return {.blobs = x.blobs,
          .bytes = x.bytes,
          .open_writes = writes_->open_writes(),
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
