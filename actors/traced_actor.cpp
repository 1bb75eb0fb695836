#include "actors/traced_actor.hpp"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace expbuild::detail {

namespace {

std::uint64_t next_span() noexcept {
  static std::atomic<std::uint64_t> count{1};
  return count.fetch_add(1, std::memory_order_relaxed);
}

std::uint64_t since(std::int64_t then, std::int64_t now) noexcept {
  return now > then ? static_cast<std::uint64_t>(now - then) : 0;
}

trace_record begin_record(const trace_context& context, std::uint16_t name, actor_label to,
                          std::int64_t now) noexcept {
  trace_record x;
  x.trace = context.trace;
  x.span = next_span();
  x.parent_span = context.parent_span;
  x.sent_ns = context.sent_ns;
  x.queued_ns = since(context.sent_ns, now);
  x.from = context.from;
  x.to = to;
  x.message = name;
  return x;
}

/// Stands around the real behaviour: sets the thread's trace position from the message, times the
/// handler, records what happened. The context is copied first: a handler may move the message.
class recording_behavior : public caf::detail::behavior_impl {
public:
  recording_behavior(pointer inner, const std::vector<message_kind>& kinds, actor_label label,
                     mailbox_meter& meter)
      : behavior_impl(inner->timeout()), inner_(std::move(inner)), kinds_(kinds), label_(label),
        meter_(meter) {}

  caf::match_case::result invoke(caf::detail::invoke_result_visitor& visitor,
                                 caf::type_erased_tuple& message) override {
    const auto* kind = find_kind(kinds_, message);
    if (kind == nullptr)
      return inner_->invoke(visitor, message);
    const auto started = trace_context::now_ns();
    auto record = begin_record(kind->context(message.get(0)), kind->name, label_, started);
    meter_.taken(record.queued_ns, started);
    const trace_scope scope({record.trace, record.span, label_});
    try {
      auto result = inner_->invoke(visitor, message);
      finish(record, started, message_outcome::handled);
      return result;
    } catch (...) {
      finish(record, started, message_outcome::threw);
      throw;
    }
  }

private:
  void finish(trace_record& record, std::int64_t started, message_outcome outcome) noexcept {
    record.handled_ns = since(started, trace_context::now_ns());
    record.outcome = outcome;
    meter_.handled(record.handled_ns);
    trace_log::write(record);
  }

  pointer inner_;
  const std::vector<message_kind>& kinds_;
  actor_label label_;
  mailbox_meter& meter_; // the actor's, which outlives its behaviour
};

void raise_to(std::atomic<std::int64_t>& most, std::int64_t x) noexcept {
  constexpr auto relaxed = std::memory_order_relaxed;
  for (auto now = most.load(relaxed); x > now && !most.compare_exchange_weak(now, x, relaxed);) {
  }
}

} // namespace

void mailbox_meter::begin(actor_label label) {
  auto& shared = counters_of(label);
  shared.alive.fetch_add(1, std::memory_order_relaxed);
  shared_.store(&shared, std::memory_order_release);
}

mailbox_meter::~mailbox_meter() {
  if (auto* shared = shared_.load()) {
    shared->alive.fetch_sub(1, std::memory_order_relaxed);
    shared->waiting.fetch_sub(waiting_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
}

void mailbox_meter::arrived() noexcept {
  auto* shared = shared_.load(std::memory_order_acquire);
  if (shared == nullptr)
    return;
  waiting_.fetch_add(1, std::memory_order_relaxed);
  raise_to(shared->most_waiting, shared->waiting.fetch_add(1, std::memory_order_relaxed) + 1);
}

void mailbox_meter::came_too_late() noexcept {
  if (auto* shared = shared_.load(std::memory_order_acquire))
    shared->dropped.fetch_add(1, std::memory_order_relaxed);
}

/// Messages that came before `begin` were not counted: there is nothing to take back then.
void mailbox_meter::taken(std::uint64_t waited_ns, std::int64_t now_ns) noexcept {
  auto& shared = *shared_.load(std::memory_order_relaxed);
  if (waiting_.load(std::memory_order_relaxed) > 0) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    shared.waiting.fetch_sub(1, std::memory_order_relaxed);
  }
  if (waited_ns > shared.longest_wait_ns.load(std::memory_order_relaxed))
    shared.longest_wait_ns.store(waited_ns, std::memory_order_relaxed);
  shared.busy_since_ns.store(now_ns, std::memory_order_relaxed);
}

void mailbox_meter::handled(std::uint64_t took_ns) noexcept {
  auto& shared = *shared_.load(std::memory_order_relaxed);
  shared.handled.fetch_add(1, std::memory_order_relaxed);
  shared.handling_ns.fetch_add(took_ns, std::memory_order_relaxed);
  shared.busy_since_ns.store(0, std::memory_order_relaxed);
}

std::uint16_t intern_type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? text.get() : type.name();
  if (const auto colon = name.rfind(':'); colon != std::string::npos)
    name.erase(0, colon + 1);
  return intern_name(name);
}

const message_kind* find_kind(const std::vector<message_kind>& kinds,
                              const caf::type_erased_tuple& message) noexcept {
  if (message.size() == 0)
    return nullptr;
  const auto* type = message.type(0).second;
  for (const auto& kind : kinds)
    if (type != nullptr && *kind.type == *type)
      return &kind;
  return nullptr;
}

void record_dropped(const std::vector<message_kind>& kinds, const caf::type_erased_tuple& message,
                    actor_label to, mailbox_meter& meter) noexcept {
  const auto* kind = find_kind(kinds, message);
  if (kind == nullptr)
    return;
  meter.came_too_late();
  auto record =
      begin_record(kind->context(message.get(0)), kind->name, to, trace_context::now_ns());
  record.outcome = message_outcome::dropped;
  trace_log::write(record);
}

caf::detail::behavior_impl::pointer record_messages(caf::detail::behavior_impl::pointer inner,
                                                    const std::vector<message_kind>& kinds,
                                                    actor_label label, mailbox_meter& meter) {
  return caf::make_counted<recording_behavior>(std::move(inner), kinds, label, meter);
}

} // namespace expbuild::detail
