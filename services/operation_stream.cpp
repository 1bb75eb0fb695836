#include "services/operation_stream.hpp"

#include "services/listener.hpp"
#include "services/operation_message.hpp"
#include "services/pool_work.hpp"

#include <caf/send.hpp>

namespace expbuild {

std::shared_ptr<operation_stream> operation_stream::make(context_ptr context, rpc_meter& meter,
                                                         const grpc::ServerContextBase& call) {
  auto stream = std::make_shared<operation_stream>(std::move(context), meter, call);
  stream->self_ = stream;
  return stream;
}

operation_stream::operation_stream(context_ptr context, rpc_meter& meter,
                                   const grpc::ServerContextBase& call)
    : context_(std::move(context)), timer_(meter), place_(context_->calls->enter_stream(call)),
      listener_(new_listener()), trace_(current_trace().trace) {}

// ---- what the operation tells ------------------------------------------------------------------

void operation_stream::update(operation_state latest) {
  bool too_late = false;
  {
    const std::lock_guard lock(guard_);
    too_late = gone_ || closed_;
    unsent_ = std::move(latest);
  }
  if (too_late) // the operation did not know this listener yet when the client went
    return detach_listener();
  go_on();
}

void operation_stream::finish(absl::Status status) {
  {
    const std::lock_guard lock(guard_);
    if (closed_)
      return;
    ended_ = std::move(status);
  }
  go_on();
}

void operation_stream::conclude(operation_state last) {
  {
    const std::lock_guard lock(guard_);
    if (closed_)
      return;
    unsent_ = std::move(last);
    ended_ = absl::OkStatus();
  }
  go_on();
}

// ---- one thing at a time -----------------------------------------------------------------------

/// Decides under the lock; whoever gets a step other than `none` alone may touch the call.
operation_stream::step operation_stream::next_step() {
  const std::lock_guard lock(guard_);
  if (busy_ || closed_)
    return step::none;
  if (!gone_ && unsent_) {
    busy_ = true;
    sending_ = std::move(*unsent_);
    unsent_.reset();
    last_ = closed_ = ended_.has_value(); // one write for both
    return step::prepare;
  }
  if (!gone_ && !ended_)
    return step::none;
  closed_ = true;
  if (!ended_)
    ended_ = absl::CancelledError("the client is gone");
  return step::end;
}

void operation_stream::go_on() {
  switch (next_step()) {
  case step::none:
    return;
  case step::prepare:
    return prepare();
  case step::end:
    return Finish(timer_.ended(*ended_));
  }
}

/// A result goes through the pool when outputs must be read to be inlined.
void operation_stream::prepare() {
  if (!sending_.response || !sending_.response->has_result()
      || (!asks_for_anything(sending_.inlined) && !has_inlined(sending_.response->result())))
    return write_prepared();
  if (!needs_reading(*context_->store, sending_.inlined, sending_.action.function(),
                     sending_.response->result())) {
    inline_outputs();
    return write_prepared();
  }
  const auto work = [me = shared_from_this()] {
    me->inline_outputs();
    me->write_prepared();
  };
  if (!post_work(*context_, io_pool::lane::short_work, work))
    write_prepared(); // a full pool: digests alone are a correct answer, too
}

void operation_stream::inline_outputs() {
  auto response = std::make_shared<reapi::ExecuteResponse>(*sending_.response);
  apply_inlining(*context_->store, sending_.inlined, sending_.action.function(),
                 *response->mutable_result());
  sending_.response = std::move(response);
}

void operation_stream::write_prepared() {
  message_ = to_operation(sending_);
  sending_ = {};
  if (last_)
    StartWriteAndFinish(&message_, grpc::WriteOptions(), timer_.ended(*ended_));
  else
    StartWrite(&message_);
}

void operation_stream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(guard_);
    busy_ = false;
    gone_ = gone_ || !ok;
  }
  go_on();
}

// ---- the client goes ---------------------------------------------------------------------------

void operation_stream::OnCancel() {
  {
    const std::lock_guard lock(guard_);
    gone_ = true;
  }
  detach_listener();
  go_on();
}

void operation_stream::detach_listener() const {
  const trace_scope scope(trace_);
  caf::anon_send(context_->dispatcher, detach{.trace = {}, .listener = listener_});
}

void operation_stream::OnDone() {
  place_.leave(); // a sink may hold us for longer
  self_.reset();
}

} // namespace expbuild
