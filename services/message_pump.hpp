#pragma once
#include "services/upload_turns.hpp"

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <memory>
#include <optional>

namespace expbuild {

/// Receives the messages of an upload, in groups, and sees to it that one thread at a time does
/// something with them: a step, which ends with `step_done` or with the call's end. What may happen
/// when, upload_turns decides. Owned by the call.
class message_pump : public grpc::ServerReadReactor<grpc::ByteBuffer>,
                     public std::enable_shared_from_this<message_pump> {
public:
  using wish = upload_turns::wish;

protected:
  /// A client that says nothing for so long is `silent`.
  explicit message_pump(std::chrono::nanoseconds patience);

  /// A step with these; with none the stream is over. True when that was all of it.
  virtual bool take(std::deque<grpc::ByteBuffer> messages) = 0;
  /// A step that ends the call: somebody else wants it.
  virtual void fulfil(wish what) = 0;
  /// A step that ends the call: the client says nothing.
  virtual void silent() = 0;

  /// Ends the first step.
  void start();
  /// By whoever does the step: asks for the next messages, unless that was done; they may come
  /// while the step is still under way.
  void ask_on();
  /// Takes what has come meanwhile, or leaves the upload to whoever hears from the client next.
  void step_done();
  /// Any thread; not by whoever does the step.
  void interrupt(wish what);
  /// Nobody can stop the step any more.
  void enter_last_step() { turns_.commit(); }
  /// By whoever does the step, once: nothing is heard any more.
  void finish(const grpc::Status& status);

  std::uint64_t trace() const noexcept { return trace_; }

private:
  void OnReadDone(bool ok) final;
  void ask(std::uint64_t number);
  void watch_for_silence();
  void look_for_silence();

  const std::chrono::nanoseconds patience_;
  const std::uint64_t trace_;
  grpc::ByteBuffer bytes_; ///< the client's side's
  upload_turns turns_;
  std::optional<grpc::Alarm> alarm_;
};

} // namespace expbuild
