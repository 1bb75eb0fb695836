#include "services/blob_upload.hpp"

#include "services/pool_work.hpp"
#include "services/rpc_call.hpp"
#include "services/upload_board.hpp"
#include "services/upload_turns.hpp"

#include <caf/send.hpp>
#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <optional>

namespace expbuild {

namespace {

using google::bytestream::WriteRequest;
using google::bytestream::WriteResponse;
using name_reader = std::function<absl::StatusOr<digest>(const std::string&)>;

/// Owned by the call: `self_` goes with OnDone. What may happen when, upload_turns decides.
class blob_upload final : public grpc::ServerReadReactor<WriteRequest>,
                          public live_upload,
                          public std::enable_shared_from_this<blob_upload> {
public:
  blob_upload(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
              WriteResponse& response, name_reader read_name)
      : context_(std::move(context)), timer_(meter), place_(context_->streams->take()), call_(call), response_(response),
        read_name_(std::move(read_name)), trace_(new_trace_id()) {}

  void begin() {
    self_ = shared_from_this();
    if (!place_.ok())
      return end(place_.status());
    watch_for_silence();
    next_message();
  }

  // ---- what the board wants ----

  std::int64_t committed() const override { return committed_; }
  void give_way() override { interrupt(wish::give_way); }
  void stored_elsewhere() override { interrupt(wish::stored); }

private:
  using wish = upload_turns::wish;

  void interrupt(wish what) {
    if (turns_.interrupt(what))
      fulfil(what);
  }

  void fulfil(wish what) {
    if (what == wish::stored)
      return end_with_size(id_->size_bytes());
    end(absl::AbortedError(where() + ": a newer stream has taken over this upload"), fate::kept);
  }

  void next_message() {
    const auto alive = shared_from_this(); // the call may end while StartRead returns
    auto what = turns_.ask();
    if (what == wish::none) {
      const auto asked = turns_.asked();
      StartRead(&message_);
      what = turns_.wait(asked);
    }
    if (what != wish::none)
      fulfil(what);
  }

  void OnReadDone(bool ok) override {
    const trace_scope scope(trace_);
    if (!turns_.heard())
      return;
    if (!ok)
      return stream_ended();
    if (!id_)
      return first_message();
    const auto status = check_message();
    if (!status.ok())
      return end(status);
    take_bytes();
  }

  // ---- a client that is there and sends nothing ----

  void watch_for_silence() {
    alarm_.emplace(); // a new one: the old one may be calling us
    alarm_->Set(std::chrono::system_clock::now() + context_->upload_patience,
                [me = weak_from_this()](bool due) {
                  if (const auto upload = me.lock(); upload && due)
                    upload->look_for_silence();
                });
  }

  void look_for_silence() {
    const trace_scope scope(trace_);
    if (!turns_.is_silent())
      return watch_for_silence();
    end(absl::DeadlineExceededError(
            where() + ": nothing came for "
            + std::to_string(
                std::chrono::duration_cast<std::chrono::seconds>(context_->upload_patience).count())
            + " s; what was received is kept, send the rest"),
        fate::kept);
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
    turns_.commit();
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
    turns_.end();
    auto writer = std::exchange(writer_, nullptr);
    if (of_rest == fate::dropped || (writer && writer->size() == 0))
      let_go(*context_, std::exchange(writer, nullptr));
    context_->uploads->release(name_, *this, std::move(writer));
    Finish(timer_.ended(status));
  }

  void OnDone() override { self_.reset(); }

  const context_ptr context_;
  rpc_timer timer_;
  const absl::StatusOr<stream_budget::place> place_;
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

  upload_turns turns_;
  std::optional<grpc::Alarm> alarm_;
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
