#include "actors/trace.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>

namespace expbuild {

namespace {

/// A record as eight words, so that writers and readers race on atomics only.
struct slot {
  std::array<std::atomic<std::uint64_t>, 7> words{};
  std::atomic<std::uint64_t> sequence{0}; // 0 while it is being written
};

std::uint64_t pack_pair(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr std::uint64_t max = 0xffffffffu;
  return std::min(a, max) << 32 | std::min(b, max);
}

void store(slot& to, const trace_record& x) noexcept {
  constexpr auto relaxed = std::memory_order_relaxed;
  to.words[0].store(x.trace, relaxed);
  to.words[1].store(x.span, relaxed);
  to.words[2].store(x.parent_span, relaxed);
  to.words[3].store(static_cast<std::uint64_t>(x.sent_ns), relaxed);
  to.words[4].store(x.queued_ns, relaxed);
  to.words[5].store(x.handled_ns, relaxed);
  to.words[6].store(
      pack_pair(std::uint64_t{x.from} << 16 | x.to,
                std::uint64_t{x.message} << 16 | static_cast<std::uint8_t>(x.outcome)),
      relaxed);
}

trace_record load(const slot& from) noexcept {
  constexpr auto relaxed = std::memory_order_relaxed;
  trace_record x;
  x.trace = from.words[0].load(relaxed);
  x.span = from.words[1].load(relaxed);
  x.parent_span = from.words[2].load(relaxed);
  x.sent_ns = static_cast<std::int64_t>(from.words[3].load(relaxed));
  x.queued_ns = from.words[4].load(relaxed);
  x.handled_ns = from.words[5].load(relaxed);
  const auto tail = from.words[6].load(relaxed);
  x.from = static_cast<actor_label>(tail >> 48);
  x.to = static_cast<actor_label>(tail >> 32);
  x.message = static_cast<std::uint16_t>(tail >> 16);
  x.outcome = static_cast<message_outcome>(tail & 0xff);
  return x;
}

/// One ring for a few threads. A writer takes a place by counting up; two writers meet in one
/// slot only if the whole ring went by in between, and then the sequence gives them away.
struct ring {
  explicit ring(std::size_t size) : slots(size) {}
  std::vector<slot> slots;
  std::atomic<std::uint64_t> next{0};

  void write(const trace_record& x) noexcept {
    const auto n = next.fetch_add(1, std::memory_order_relaxed);
    auto& to = slots[n % slots.size()];
    to.sequence.store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release); // no word is seen before the 0 is
    store(to, x);
    to.sequence.store(n + 1, std::memory_order_release);
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& from : slots) {
      const auto before = from.sequence.load(std::memory_order_acquire);
      if (before == 0)
        continue;
      const auto x = load(from);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (from.sequence.load(std::memory_order_relaxed) == before)
        visit(x);
    }
  }
};

constexpr std::size_t ring_count = 8;

struct rings {
  explicit rings(std::size_t bytes) {
    const auto size = bytes / ring_count / sizeof(slot);
    for (std::size_t i = 0; size > 0 && i < ring_count; ++i)
      all.push_back(std::make_unique<ring>(size));
  }
  std::vector<std::unique_ptr<ring>> all;
};

std::unique_ptr<rings>& the_rings() {
  static auto instance = std::make_unique<rings>(std::size_t{16} << 20);
  return instance;
}

std::size_t this_thread_number() noexcept {
  static std::atomic<std::size_t> count{0};
  thread_local const std::size_t number = count.fetch_add(1, std::memory_order_relaxed);
  return number;
}

/// Interned names; a deque keeps them where they are.
struct names {
  std::mutex guard;
  std::deque<std::string> by_index{"outside"};
  std::unordered_map<std::string, std::uint16_t> by_name{{"outside", 0}};
};

names& the_names() {
  static names instance;
  return instance;
}

std::vector<trace_record> collect(const std::function<bool(const trace_record&)>& wanted);

} // namespace

trace_position& current_trace() noexcept {
  thread_local trace_position position;
  return position;
}

std::int64_t trace_context::now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

trace_scope::trace_scope(std::uint64_t trace) : trace_scope(trace_position{trace, 0, 0}) {}

trace_scope::trace_scope(const trace_position& position) : before_(current_trace()) {
  current_trace() = position;
}

trace_scope::~trace_scope() {
  current_trace() = before_;
}

std::uint64_t new_trace_id() noexcept {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator() | 1; // 0 means none
}

namespace trace_log {

void set_budget(std::size_t bytes) {
  the_rings() = std::make_unique<rings>(bytes);
}

void write(const trace_record& record) noexcept {
  auto& all = the_rings()->all;
  if (!all.empty())
    all[this_thread_number() % all.size()]->write(record);
}

void note(std::string_view what, actor_label who) noexcept {
  const auto& here = current_trace();
  write({.trace = here.trace,
         .span = 0,
         .parent_span = here.span,
         .sent_ns = trace_context::now_ns(),
         .queued_ns = 0,
         .handled_ns = 0,
         .from = here.actor,
         .to = who,
         .message = intern_name(what),
         .outcome = message_outcome::event});
}

std::vector<trace_record> of_trace(std::uint64_t trace) {
  return collect([trace](const trace_record& x) { return x.trace == trace; });
}

std::vector<trace_record> recent(std::size_t limit) {
  auto found = collect([](const trace_record&) { return true; });
  if (found.size() > limit)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
  return found;
}

std::vector<trace_record> handled_by(actor_label who, std::size_t limit) {
  auto found = collect([who](const trace_record& x) { return x.to == who; });
  if (found.size() > limit)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
  return found;
}

std::uint64_t written() {
  std::uint64_t sum = 0;
  for (const auto& x : the_rings()->all)
    sum += x->next.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t overwritten() {
  std::uint64_t sum = 0;
  for (const auto& x : the_rings()->all) {
    const auto next = x->next.load(std::memory_order_relaxed);
    sum += next - std::min<std::uint64_t>(next, x->slots.size());
  }
  return sum;
}

std::size_t capacity() {
  std::size_t sum = 0;
  for (const auto& x : the_rings()->all)
    sum += x->slots.size();
  return sum;
}

} // namespace trace_log

namespace {

std::vector<trace_record> collect(const std::function<bool(const trace_record&)>& wanted) {
  std::vector<trace_record> found;
  for (const auto& one : the_rings()->all)
    one->for_each([&](const trace_record& x) {
      if (wanted(x))
        found.push_back(x);
    });
  std::stable_sort(found.begin(), found.end(), [](const trace_record& a, const trace_record& b) {
    return a.sent_ns + static_cast<std::int64_t>(a.queued_ns)
           < b.sent_ns + static_cast<std::int64_t>(b.queued_ns);
  });
  return found;
}

} // namespace

std::uint16_t intern_name(std::string_view name) {
  auto& table = the_names();
  const std::lock_guard lock(table.guard);
  const auto [found, is_new] =
      table.by_name.emplace(std::string(name), static_cast<std::uint16_t>(table.by_index.size()));
  if (!is_new)
    return found->second;
  if (table.by_index.size() > 0xffff) {
    table.by_name.erase(found);
    return 0;
  }
  table.by_index.emplace_back(name);
  return found->second;
}

std::string interned_name(std::uint16_t index) {
  auto& table = the_names();
  const std::lock_guard lock(table.guard);
  return index < table.by_index.size() ? table.by_index[index] : std::string("?");
}

} // namespace expbuild
