#include "services/log_stream.hpp"

#include "actors/log.hpp"
#include "services/log_reader.hpp"

#include <grpcpp/alarm.h>

#include <mutex>
#include <optional>

namespace expbuild {

namespace {

/// The call owns one reference, until gRPC is done with it.
class log_stream final : public grpc::ServerWriteReactor<admin::v1::LogLine>,
                         public std::enable_shared_from_this<log_stream> {
public:
  log_stream(const context_ptr& context, rpc_meter& meter, const grpc::ServerContextBase& call)
      : timer_(meter), place_(context->calls->enter_stream(call)) {}

  void begin(absl::StatusOr<log_reader> reader) {
    self_ = shared_from_this();
    if (!place_.admission().ok())
      return end(place_.admission());
    if (!reader.ok())
      return end(reader.status());
    reader_ = *std::move(reader);
    go_on();
  }

private:
  /// Writes the next line, ends, or comes back later.
  void go_on() {
    std::optional<absl::Status> why;
    {
      const std::lock_guard lock(guard_);
      if (ended_ || writing_)
        return;
      if (auto line = reader_->next()) {
        line_ = *std::move(line);
        writing_ = true;
      } else if (why = reader_->ended(); !why) {
        return look_later();
      }
    }
    if (why)
      end(*why);
    else
      StartWrite(&line_);
  }

  void look_later() {
    alarm_.emplace(); // a new one: the old one may be calling us
    alarm_->Set(std::chrono::system_clock::now() + log_interval, [me = weak_from_this()](bool due) {
      if (const auto stream = me.lock(); stream && due)
        stream->go_on();
    });
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(guard_);
      writing_ = false;
    }
    if (ok)
      go_on();
    else
      end(absl::CancelledError("the client is gone"));
  }

  void OnCancel() override { end(absl::CancelledError("the client is gone")); }

  void end(const absl::Status& status) {
    {
      const std::lock_guard lock(guard_);
      if (std::exchange(ended_, true))
        return;
    }
    Finish(timer_.ended(status));
  }

  void OnDone() override { self_.reset(); }

  rpc_timer timer_;
  const call_budget::place place_;
  std::shared_ptr<log_stream> self_;

  std::mutex guard_; // of what follows
  std::optional<log_reader> reader_;
  bool writing_ = false;
  bool ended_ = false;
  admin::v1::LogLine line_;
  std::optional<grpc::Alarm> alarm_;
};

} // namespace

grpc::ServerWriteReactor<admin::v1::LogLine>* stream_log(const context_ptr& context,
                                                         rpc_meter& meter,
                                                         const grpc::ServerContextBase& call,
                                                         const admin::v1::GetLogRequest& request) {
  auto stream = std::make_shared<log_stream>(context, meter, call);
  stream->begin(log_reader::make(the_log().ring(), request));
  return stream.get();
}

} // namespace expbuild
