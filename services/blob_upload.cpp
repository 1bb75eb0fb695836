#include "services/blob_upload.hpp"

#include "services/pool_work.hpp"
#include "services/rpc_call.hpp"
#include "services/upload_board.hpp"

#include <caf/send.hpp>
#include <grpcpp/server_context.h>

#include <atomic>
#include <mutex>
#include <optional>

namespace expbuild {

namespace {

using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;
using name_reader = std::function<absl::StatusOr<digest>(const std::string&)>;

/// Owned by the call: `self_` goes with OnDone. Exactly one thing is under way at any time: reading
/// a message, waiting for the name, opening, writing or publishing. Only while it reads may the
/// board end it; otherwise what the board wants waits until that step is done.
class blob_upload final : public grpc::ServerReadReactor<WriteRequest>,
                          public live_upload,
                          public std::enable_shared_from_this<blob_upload> {
public:
  blob_upload(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
              WriteResponse& response, name_reader read_name)
      : context_(std::move(context)), timer_(meter), call_(call), response_(response),
        read_name_(std::move(read_name)), trace_(new_trace_id()) {}

  void begin() {
    self_ = shared_from_this();
    next_message();
  }

  // ---- what the board wants ----

  std::int64_t committed() const override { return committed_; }
  void give_way() override { interrupt(wish::give_way); }
  void stored_elsewhere() override { interrupt(wish::stored); }

private:
  enum class phase { working, arming, reading, ended };
  enum class wish { none, give_way, stored };

  void interrupt(wish what) {
    {
      const std::lock_guard lock(guard_);
      if (phase_ == phase::ended || committing_ || wish_ == wish::stored)
        return;
      wish_ = what;
      if (phase_ != phase::reading)
        return; // the step under way sees to it
      phase_ = phase::ended;
    }
    fulfil(what);
  }

  void fulfil(wish what) {
    if (what == wish::stored)
      return end_with_size(id_->size_bytes());
    end(absl::AbortedError(where() + ": a newer stream has taken over this upload"), fate::kept);
  }

  /// Goes from one phase into the next, unless the board wants the end: false then.
  bool enter(phase next) {
    wish what;
    {
      const std::lock_guard lock(guard_);
      what = wish_;
      phase_ = what == wish::none ? next : phase::ended;
    }
    if (what != wish::none)
      fulfil(what);
    return what == wish::none;
  }

  void next_message() {
    const auto alive = shared_from_this(); // the call may end while StartRead returns
    if (!enter(phase::arming))
      return;
    const auto turn = ++reads_;
    StartRead(&message_);
    auto what = wish::none;
    {
      const std::lock_guard lock(guard_);
      if (phase_ != phase::arming || reads_ != turn)
        return; // the message has come already
      what = wish_;
      phase_ = what == wish::none ? phase::reading : phase::ended;
    }
    if (what != wish::none)
      fulfil(what);
  }

  void OnReadDone(bool ok) override {
    const trace_scope scope(trace_);
    {
      const std::lock_guard lock(guard_);
      if (phase_ == phase::ended)
        return; // answered while we were waiting for this message
      phase_ = phase::working;
    }
    if (!ok)
      return stream_ended();
    if (!id_)
      return first_message();
    const auto status = check_message();
    if (!status.ok())
      return end(status);
    take_bytes();
  }

  // ---- one message -----------------------------------------------------------------------------

  absl::Status check_message() {
    if (!message_.resource_name().empty() && message_.resource_name() != name_)
      return absl::InvalidArgumentError(where() + ": a later message names another resource, '"
                                        + message_.resource_name().substr(0, 300) + "'");
    if (finished_)
      return absl::InvalidArgumentError(where() + ": a message follows finish_write");
    if (message_.write_offset() != received_)
      return absl::InvalidArgumentError(where() + ": write_offset is "
                                        + std::to_string(message_.write_offset()) + ", but "
                                        + std::to_string(received_) + " bytes have been received");
    received_ += static_cast<std::int64_t>(message_.data().size());
    finished_ = message_.finish_write();
    if (received_ > id_->size_bytes())
      return absl::InvalidArgumentError(where() + ": more than " + std::to_string(id_->size_bytes())
                                        + " bytes were sent");
    return absl::OkStatus();
  }

  std::string where() const { return "writing '" + name_.substr(0, 300) + "'"; }

  // ---- the first message: whose turn is it, and what is there already? ----

  void first_message() {
    auto id = read_name_(message_.resource_name());
    if (!id.ok())
      return end(id.status());
    id_ = *id;
    name_ = message_.resource_name();
    context_->uploads->claim(name_, *id_, shared_from_this(),
                             [me = shared_from_this()](absl::StatusOr<upload_board::writer> rest) {
                               me->our_turn(std::move(rest));
                             });
  }

  void our_turn(absl::StatusOr<upload_board::writer> rest) {
    const trace_scope scope(trace_);
    if (!rest.ok())
      return end(rest.status());
    writer_ = *std::move(rest);
    if (writer_ && message_.write_offset() == 0)
      let_go(*context_, std::exchange(writer_, nullptr)); // the client begins again
    if (writer_)
      take_up();
    else
      open();
  }

  void take_up() {
    received_ = writer_->size();
    committed_ = received_;
    caf::anon_send(context_->cas, find_missing{.trace = {}, .digests = {*id_}},
                   reply<missing_blobs>(
                       [me = shared_from_this()](const absl::StatusOr<missing_blobs>& missing) {
                         if (!missing.ok())
                           return me->end(missing.status(), fate::kept);
                         if (missing->digests.empty())
                           return me->end_with_size(me->id_->size_bytes());
                         me->begin_bytes();
                       }));
  }

  void open() {
    caf::anon_send(context_->cas, begin_writes{.trace = {}, .digests = {*id_}},
                   reply<begun_writes>([me = shared_from_this()](absl::StatusOr<begun_writes> x) {
                     me->opened(x.ok() ? std::move(x->front()) : x.status());
                   }));
  }

  void opened(absl::StatusOr<std::shared_ptr<blob_writer>> writer) {
    if (!writer.ok())
      return end(writer.status());
    writer_ = *std::move(writer);
    if (!writer_) // it is there already: the client need not send the rest
      return end_with_size(id_->size_bytes());
    begin_bytes();
  }

  /// A wrong offset in the first message costs nothing of what is there.
  void begin_bytes() {
    const auto kept = message_.write_offset() != received_ ? fate::kept : fate::dropped;
    if (const auto status = check_message(); !status.ok())
      return end(status, kept);
    take_bytes();
  }

  // ---- storing ----

  void take_bytes() {
    if (message_.data().empty())
      return next_message();
    if (!post_work(*context_, io_pool::lane::short_work,
                   [me = shared_from_this()] { me->append(); }))
      end(pool_is_full(), fate::kept);
  }

  void append() {
    context_->meters->bytes_in(message_.data().size());
    if (auto status = writer_->append(message_.data()); !status.ok())
      return end(status);
    committed_ = received_;
    next_message();
  }

  /// The client has said all it will, or is gone. What it sent can be taken up again.
  void stream_ended() {
    if (call_.IsCancelled())
      return end(absl::CancelledError("the client is gone"), fate::kept);
    if (!id_)
      return end(absl::InvalidArgumentError("the stream ended before its first message"));
    if (!finished_) {
      response_.set_committed_size(received_);
      return end(absl::OkStatus(), fate::kept);
    }
    {
      const std::lock_guard lock(guard_);
      committing_ = true;
    }
    if (!post_work(*context_, io_pool::lane::short_work,
                   [me = shared_from_this()] { me->commit(); }))
      end(pool_is_full(), fate::kept);
  }

  void commit() {
    const auto status = writer_->commit();
    context_->meters->blob_written(status.ok());
    if (!status.ok())
      return end(status);
    caf::anon_send(context_->cas, blobs_stored{.trace = {}, .digests = {*id_}},
                   reply<unit>([me = shared_from_this()](const absl::StatusOr<unit>& x) {
                     if (!x.ok())
                       return me->end(x.status());
                     me->context_->uploads->stored(*me->id_);
                     me->end_with_size(me->id_->size_bytes());
                   }));
  }

  // ---- the end ----

  enum class fate { dropped, kept };

  void end_with_size(std::int64_t committed) {
    response_.set_committed_size(committed);
    end(absl::OkStatus());
  }

  void end(const absl::Status& status, fate of_rest = fate::dropped) {
    {
      const std::lock_guard lock(guard_);
      phase_ = phase::ended;
    }
    auto writer = std::exchange(writer_, nullptr);
    if (of_rest == fate::dropped || (writer && writer->size() == 0))
      let_go(*context_, std::exchange(writer, nullptr));
    context_->uploads->release(name_, *this, std::move(writer));
    Finish(timer_.ended(status));
  }

  void OnDone() override { self_.reset(); }

  const context_ptr context_;
  rpc_timer timer_;
  const grpc::CallbackServerContext& call_;
  WriteResponse& response_;
  const name_reader read_name_;
  const std::uint64_t trace_;
  std::shared_ptr<blob_upload> self_;

  WriteRequest message_;
  std::optional<digest> id_;
  std::string name_;
  std::int64_t received_ = 0; ///< with what is still to be written of this message
  std::atomic<std::int64_t> committed_{0};
  bool finished_ = false;
  std::shared_ptr<blob_writer> writer_;

  std::mutex guard_; // of what follows; held for a few assignments, never while calling gRPC
  phase phase_ = phase::working;
  wish wish_ = wish::none;
  bool committing_ = false;
  std::uint64_t reads_ = 0; // written by whoever arms, alone
};

} // namespace

grpc::ServerReadReactor<WriteRequest>* receive_blob(context_ptr context, rpc_meter& meter,
                                                    const grpc::CallbackServerContext& call,
                                                    WriteResponse& response,
                                                    name_reader read_name) {
  auto upload = std::make_shared<blob_upload>(std::move(context), meter, call, response,
                                              std::move(read_name));
  upload->begin();
  return upload.get();
}

} // namespace expbuild
