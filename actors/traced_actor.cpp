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
  recording_behavior(pointer inner, const std::vector<message_kind>& kinds, actor_label label)
      : behavior_impl(inner->timeout()), inner_(std::move(inner)), kinds_(kinds), label_(label) {}

  caf::match_case::result invoke(caf::detail::invoke_result_visitor& visitor,
                                 caf::type_erased_tuple& message) override {
    const auto* kind = find_kind(kinds_, message);
    if (kind == nullptr)
      return inner_->invoke(visitor, message);
    const auto started = trace_context::now_ns();
    auto record = begin_record(kind->context(message.get(0)), kind->name, label_, started);
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
  static void finish(trace_record& record, std::int64_t started, message_outcome outcome) noexcept {
    record.handled_ns = since(started, trace_context::now_ns());
    record.outcome = outcome;
    trace_log::write(record);
  }

  pointer inner_;
  const std::vector<message_kind>& kinds_;
  actor_label label_;
};

} // namespace

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
                    actor_label to) noexcept {
  const auto* kind = find_kind(kinds, message);
  if (kind == nullptr)
    return;
  auto record =
      begin_record(kind->context(message.get(0)), kind->name, to, trace_context::now_ns());
  record.outcome = message_outcome::dropped;
  trace_log::write(record);
}

caf::detail::behavior_impl::pointer record_messages(caf::detail::behavior_impl::pointer inner,
                                                    const std::vector<message_kind>& kinds,
                                                    actor_label label) {
  return caf::make_counted<recording_behavior>(std::move(inner), kinds, label);
}

} // namespace expbuild::detail
