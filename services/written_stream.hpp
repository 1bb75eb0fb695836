#pragma once
#include "services/rpc_call.hpp"
#include "services/service_context.hpp"

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace expbuild {

/// A stream to a client of which the next message is asked for when the last one is out. One thread
/// at a time asks, writes or ends, and nothing is written after the end: that is all this is for.
/// The call owns one reference, until gRPC is done with it.
template <class Message>
class written_stream : public grpc::ServerWriteReactor<Message>,
                       public std::enable_shared_from_this<written_stream<Message>> {
public:
  written_stream(const context_ptr& context, rpc_meter& meter, const grpc::ServerContextBase& call)
      : timer_(meter), place_(context->calls->enter_stream(call)) {}

  /// Once: `opened`, unless there are too many streams.
  void begin() {
    self_ = this->shared_from_this();
    if (!place_.admission().ok())
      return end(place_.admission());
    opened();
    go_on();
  }

protected:
  virtual void opened() {}
  /// The next message; nothing: there is none now.
  virtual std::optional<Message> next() = 0;
  /// With none: why none follows.
  virtual std::optional<absl::Status> over() const = 0;
  /// There is none now, and some may follow: whoever knows when calls `go_on`.
  virtual void idle() {}
  /// The last call.
  virtual void closed() {}

  /// Something may be there now. Any thread.
  void go_on() {
    for (;;) {
      std::optional<absl::Status> why;
      {
        const std::lock_guard lock(guard_);
        woken_ = true;
        if (busy_)
          return; // whoever is busy looks again
        busy_ = true;
        woken_ = false;
        why = end_;
      }
      if (write_or_finish(std::move(why)))
        return;
      const std::lock_guard lock(guard_);
      busy_ = false;
      if (!woken_)
        return;
    }
  }

  /// Ends it as soon as the message that is on its way is out; the first reason counts. Any thread.
  void end(const absl::Status& status) {
    {
      const std::lock_guard lock(guard_);
      if (!end_)
        end_ = status;
    }
    go_on();
  }

private:
  /// False: nothing was there to do.
  bool write_or_finish(std::optional<absl::Status> why) {
    if (!why) {
      if (auto message = next()) {
        message_ = *std::move(message);
        this->StartWrite(&message_);
        return true;
      }
      why = over();
    }
    if (!why)
      return idle(), false;
    this->Finish(timer_.ended(*why));
    return true; // busy for good
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(guard_);
      busy_ = false;
      if (!ok && !end_)
        end_ = absl::CancelledError("the client is gone");
    }
    go_on();
  }

  void OnCancel() override { end(absl::CancelledError("the client is gone")); }

  void OnDone() override {
    closed();
    self_.reset();
  }

  rpc_timer timer_;
  const call_budget::place place_;
  std::shared_ptr<written_stream> self_;
  Message message_; ///< of whoever is busy

  std::mutex guard_; // of what follows; never held while gRPC or a subclass is called
  bool busy_ = false;
  bool woken_ = false;
  std::optional<absl::Status> end_;
};

} // namespace expbuild
