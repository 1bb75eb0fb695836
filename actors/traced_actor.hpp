#pragma once
#include "actors/actor_counters.hpp"
#include "actors/trace.hpp"

#include <caf/behavior.hpp>
#include <caf/detail/behavior_impl.hpp>
#include <caf/detail/type_list.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <typeinfo>

/// The thin layer that makes every actor's messages visible. An actor of ours is spawned from a
/// function whose first parameter is a traced_pointer and whose last step is traced_behavior().

namespace expbuild {

namespace detail {

/// How to recognise one message type and find its trace_context.
struct message_kind {
  const std::type_info* type;
  std::uint16_t name;
  const trace_context& (*context)(const void*);
};

std::uint16_t intern_type_name(const std::type_info& type);

template <class Signature>
struct first_input;
template <class First, class... Rest, class Out>
struct first_input<caf::typed_mpi<caf::detail::type_list<First, Rest...>, Out>> {
  using type = First;
};

template <class Signatures>
struct message_kinds;
template <class... Sigs>
struct message_kinds<caf::detail::type_list<Sigs...>> {
  template <class T>
  static message_kind kind() {
    return {&typeid(T), intern_type_name(typeid(T)),
            [](const void* x) -> const trace_context& { return static_cast<const T*>(x)->trace; }};
  }
  /// One entry per message of the interface; made once.
  static const std::vector<message_kind>& table() {
    static const std::vector<message_kind> entries{kind<typename first_input<Sigs>::type>()...};
    return entries;
  }
};

/// One actor's own count of messages that wait, beside that of its name: what still waits when it
/// ends is nobody's any more.
class mailbox_meter {
public:
  ~mailbox_meter();
  mailbox_meter() = default;
  mailbox_meter(const mailbox_meter&) = delete;
  mailbox_meter& operator=(const mailbox_meter&) = delete;

  /// Once, at the spawn. Before it nothing is counted.
  void begin(actor_label label);
  void arrived() noexcept;
  void came_too_late() noexcept;
  void taken(std::uint64_t waited_ns, std::int64_t now_ns) noexcept;
  void handled(std::uint64_t took_ns) noexcept;

private:
  std::atomic<actor_counters*> shared_{nullptr};
  std::atomic<std::int64_t> waiting_{0};
};

/// Null for messages of CAF itself.
const message_kind* find_kind(const std::vector<message_kind>& kinds,
                              const caf::type_erased_tuple& message) noexcept;

void record_dropped(const std::vector<message_kind>& kinds, const caf::type_erased_tuple& message,
                    actor_label to, mailbox_meter& meter) noexcept;

/// Puts a recording shell around a behaviour.
caf::detail::behavior_impl::pointer record_messages(caf::detail::behavior_impl::pointer inner,
                                                    const std::vector<message_kind>& kinds,
                                                    actor_label label, mailbox_meter& meter);

} // namespace detail

/// Actor base that counts its messages and notices those which arrive after its end.
template <class Base>
class traced : public Base {
public:
  using Base::Base;
  using Base::enqueue;
  using kinds = detail::message_kinds<typename Base::signatures>;

  void enqueue(caf::mailbox_element_ptr message, caf::execution_unit* unit) override {
    if (this->getf(caf::abstract_actor::is_terminated_flag))
      detail::record_dropped(kinds::table(), message->content(), label, meter);
    else if (detail::find_kind(kinds::table(), message->content()) != nullptr)
      meter.arrived();
    Base::enqueue(std::move(message), unit);
  }

  actor_label label = 0;
  detail::mailbox_meter meter;
};

/// What the spawn function of an actor with interface `Handle` and state `State` takes as self.
template <class Handle, class State>
using traced_pointer = caf::stateful_actor<State, traced<typename Handle::base>>*;

/// Names the actor in traces and turns its behaviour into one that records each message.
template <class Self, class... Sigs>
caf::typed_behavior<Sigs...> traced_behavior(Self self, std::string_view name,
                                             caf::typed_behavior<Sigs...> behavior) {
  self->label = intern_name(name);
  self->meter.begin(self->label);
  trace_log::note("spawned", self->label);
  auto& inside = behavior.unbox();
  inside = caf::behavior{detail::record_messages(inside.as_behavior_impl(),
                                                 std::remove_pointer_t<Self>::kinds::table(),
                                                 self->label, self->meter)};
  return behavior;
}

} // namespace expbuild
