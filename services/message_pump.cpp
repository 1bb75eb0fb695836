#include "services/message_pump.hpp"

#include "actors/trace.hpp"

namespace expbuild {

message_pump::message_pump(std::chrono::nanoseconds patience)
    : patience_(patience), trace_(new_trace_id()) {}

void message_pump::start() {
  watch_for_silence();
  ask_on();
  step_done();
}

// ---- messages ----------------------------------------------------------------------------------

void message_pump::ask_on() {
  const auto alive = shared_from_this(); // what comes may end the call before this returns
  if (const auto number = turns_.ask())
    ask(*number);
}

void message_pump::ask(std::uint64_t number) {
  StartRead(&bytes_);
  if (turns_.wait(number))
    fulfil(turns_.wanted());
}

/// gRPC keeps the call until this has returned, even if somebody ends it meanwhile.
void message_pump::OnReadDone(bool ok) {
  const trace_scope scope(trace_);
  const auto [step, number] = turns_.heard(ok ? &bytes_ : nullptr);
  if (number)
    ask(*number);
  if (step && take(turns_.take()))
    step_done();
}

void message_pump::step_done() {
  for (;;)
    switch (turns_.step_done()) {
    case upload_turns::next::end:
      return fulfil(turns_.wanted());
    case upload_turns::next::nothing:
      return;
    case upload_turns::next::message:
      if (!take(turns_.take()))
        return;
    }
}

// ---- others ------------------------------------------------------------------------------------

void message_pump::interrupt(wish what) {
  if (turns_.interrupt(what))
    fulfil(what);
}

void message_pump::watch_for_silence() {
  alarm_.emplace(); // a new one: the old one may be calling us
  const auto pause = std::chrono::duration_cast<std::chrono::system_clock::duration>(patience_);
  alarm_->Set(std::chrono::system_clock::now() + pause, [me = weak_from_this()](bool due) {
    if (const auto pump = me.lock(); pump && due)
      pump->look_for_silence();
  });
}

void message_pump::look_for_silence() {
  const trace_scope scope(trace_);
  if (turns_.is_silent())
    silent();
  else
    watch_for_silence();
}

void message_pump::finish(const grpc::Status& status) {
  turns_.end();
  Finish(status);
}

} // namespace expbuild
