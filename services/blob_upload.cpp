#include "services/blob_upload.hpp"

#include "services/message_pump.hpp"
#include "services/one_blob.hpp"
#include "services/pool_work.hpp"
#include "services/raw_message.hpp"
#include "services/request_checks.hpp"
#include "services/rpc_call.hpp"
#include "services/upload_board.hpp"
#include "services/upload_progress.hpp"
#include "services/upload_target.hpp"

#include "google/bytestream/bytestream.pb.h"

#include <grpcpp/server_context.h>

#include <atomic>

namespace expbuild {

namespace {

using name_reader = std::function<absl::StatusOr<wire_blob>(const std::string&)>;

/// Owned by the call: `self_` goes with OnDone. Every function is part of a step (message_pump).
class blob_upload final : public message_pump, public live_upload {
public:
  blob_upload(context_ptr context, rpc_meter& meter, const grpc::CallbackServerContext& call,
              grpc::ByteBuffer& response, name_reader read_name)
      : message_pump(context->upload_patience), context_(std::move(context)), timer_(meter),
        place_(context_->calls->enter_stream(call)), call_(call), response_(response),
        read_name_(std::move(read_name)) {}

  void begin() {
    self_ = me();
    if (place_.admission().ok())
      start();
    else
      end(place_.admission());
  }

  // ---- what the board wants ----

  std::int64_t committed() const override { return committed_; }
  void give_way() override { interrupt(wish::give_way); }
  void stored_elsewhere() override { interrupt(wish::stored); }

private:
  std::shared_ptr<blob_upload> me() {
    return std::static_pointer_cast<blob_upload>(shared_from_this());
  }

  void fulfil(wish what) override {
    if (what == wish::stored)
      return end_with_size(so_far_.size_when_there());
    end(absl::AbortedError(so_far_.where() + ": a newer stream has taken over this upload"),
        fate::kept);
  }

  bool take(std::deque<grpc::ByteBuffer> all) override {
    messages_.clear();
    for (const auto& bytes : all)
      if (auto message = write_message::parse(bytes)) {
        messages_.push_back(*std::move(message));
      } else {
        end(absl::InvalidArgumentError("a message of the stream is no WriteRequest"));
        return false;
      }
    if (messages_.empty())
      stream_ended();
    else if (so_far_.name.empty())
      first_message();
    else
      return take_bytes();
    return false;
  }

  void silent() override {
    end(absl::DeadlineExceededError(
            so_far_.where() + ": nothing came for "
            + std::to_string(
                std::chrono::duration_cast<std::chrono::seconds>(context_->upload_patience).count())
            + (so_far_.blob.packed ? " s; send it again"
                                   : " s; what was received is kept, send the rest")),
        fate::kept);
  }

  // ---- the first message: whose turn is it, and what is there already? ----

  void first_message() {
    if (call_.IsCancelled()) // its first message may be heard of after whoever sends it again
      return end(absl::CancelledError("the client has cancelled this upload"));
    const auto& name = messages_.front().resource_name();
    const auto blob = read_name_(name);
    if (!blob.ok())
      return end(blob.status());
    so_far_.blob = *blob;
    so_far_.name = name;
    if (blob->packed)
      so_far_.client = dialect::of(asker_of(call_).tool_name);
    context_->uploads->claim(
        so_far_.name, so_far_.blob.id, me(),
        [me = me()](absl::StatusOr<upload_board::writer> rest) { me->our_turn(std::move(rest)); });
  }

  void our_turn(absl::StatusOr<upload_board::writer> rest) {
    const trace_scope scope(trace());
    if (!rest.ok())
      return end(rest.status());
    auto writer = *std::move(rest);
    if (writer && messages_.front().write_offset() == 0)
      let_go(*context_, std::exchange(writer, nullptr)); // the client begins again
    if (writer)
      take_up(std::move(writer));
    else
      open();
  }

  void take_up(std::shared_ptr<blob_writer> rest) {
    so_far_.take_up(rest->size(), messages_.front().write_offset());
    target_.open(std::move(rest), so_far_.kept - so_far_.received);
    committed_ = so_far_.committed();
    find_one(*context_, so_far_.blob.id, [me = me()](const absl::StatusOr<bool>& there) {
      if (!there.ok())
        return me->end(there.status(), fate::kept);
      if (*there)
        return me->end_with_size(me->so_far_.size_when_there());
      me->begin_bytes();
    });
  }

  void open() {
    begin_one(*context_, so_far_.blob.id, [me = me()](begun_write x) { me->opened(std::move(x)); });
  }

  void opened(begun_write writer) {
    if (!writer.ok())
      return end(writer.status());
    if (!*writer) // it is there already: the client need not send the rest
      return end_with_size(so_far_.size_when_there());
    if (so_far_.blob.packed)
      target_.open_packed(*std::move(writer), so_far_.blob, context_->unpacking);
    else
      target_.open(*std::move(writer));
    begin_bytes();
  }

  void begin_bytes() {
    if (take_bytes())
      step_done();
  }

  // ---- storing ----

  /// The next messages come while these are stored. A wrong offset in the first message of a stream
  /// costs nothing of what is there.
  bool take_bytes() {
    std::size_t bytes = 0;
    for (const auto& message : messages_) {
      const bool is_first = !std::exchange(has_begun_, true);
      const auto kept =
          is_first && message.write_offset() != so_far_.received ? fate::kept : fate::dropped;
      if (const auto status = so_far_.take(message); !status.ok()) {
        end(status, kept);
        return false;
      }
      bytes += message.data_size();
    }
    target_.take(std::exchange(messages_, {}));
    ask_on();
    if (bytes == 0)
      return true;
    context_->meters->bytes_in(bytes);
    store();
    return false;
  }

  /// Others have their turn between the steps of a large message.
  void store() {
    if (!post_work(*context_, io_pool::lane::write_work,
                   [me = me()] { me->stored(me->target_.store()); }))
      end(pool_is_full(), fate::kept);
  }

  void stored(const absl::Status& status) {
    if (!status.ok())
      return end(status);
    if (target_.has_more() && call_.IsCancelled())
      return end(absl::CancelledError("the client is gone"));
    if (target_.has_more())
      return store();
    committed_ = so_far_.committed();
    step_done();
  }

  /// The client has said all it will, or is gone. What it sent can be taken up again.
  void stream_ended() {
    if (call_.IsCancelled())
      return end(absl::CancelledError("the client is gone"), fate::kept);
    if (so_far_.name.empty())
      return end(absl::InvalidArgumentError("the stream ended before its first message"));
    if (!so_far_.finished) {
      answer(so_far_.committed());
      return end(absl::OkStatus(), fate::kept);
    }
    enter_last_step();
    if (!post_work(*context_, io_pool::lane::write_work, [me = me()] { me->commit(); }))
      end(pool_is_full(), fate::kept);
  }

  void commit() {
    commit_one(context_, target_.writer(), so_far_.blob.id,
               [me = me()](const absl::Status& status) {
                 if (status.ok())
                   me->end_with_size(me->so_far_.size_when_finished());
                 else
                   me->end(status);
               });
  }

  // ---- the end ----

  enum class fate { dropped, kept };

  void answer(std::int64_t committed) {
    google::bytestream::WriteResponse response;
    response.set_committed_size(committed);
    response_ = to_raw(response);
  }

  void end_with_size(std::int64_t committed) {
    answer(committed);
    end(absl::OkStatus());
  }

  void end(const absl::Status& status, fate of_rest = fate::dropped) {
    auto [kept, rest] = target_.close(of_rest == fate::kept);
    let_go(*context_, std::move(rest));
    context_->uploads->release(so_far_.name, *this, std::move(kept));
    finish(timer_.ended(status));
  }

  void OnDone() override { self_.reset(); }

  const context_ptr context_;
  rpc_timer timer_;
  const call_budget::place place_;
  const grpc::CallbackServerContext& call_;
  grpc::ByteBuffer& response_;
  const name_reader read_name_;
  std::shared_ptr<blob_upload> self_;

  std::vector<write_message> messages_; ///< that were taken last
  bool has_begun_ = false;              ///< the first message is not among them
  upload_progress so_far_;              ///< no name: the first message is still to come
  std::atomic<std::int64_t> committed_{0};
  upload_target target_;
};

} // namespace

grpc::ServerReadReactor<grpc::ByteBuffer>* receive_blob(context_ptr context, rpc_meter& meter,
                                                        const grpc::CallbackServerContext& call,
                                                        grpc::ByteBuffer& response,
                                                        name_reader read_name) {
  auto upload = std::make_shared<blob_upload>(std::move(context), meter, call, response,
                                              std::move(read_name));
  upload->begin();
  return upload.get();
}

} // namespace expbuild
