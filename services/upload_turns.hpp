#pragma once
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace expbuild {

/// Whose turn it is in one upload. Two things may be under way: a step of ours (finding out,
/// opening, writing, publishing), and waiting for the client's next message. Whoever does the step
/// alone may touch the upload and end the call; messages that come meanwhile wait until the step is
/// done, up to `read_ahead` bytes and then none is asked for; so does what others want. While there
/// is no step, others may end the call at once. It begins with a step. Any thread.
class upload_turns {
public:
  enum class wish { none, give_way, stored };

  /// Clients send a blob in messages of 16 KiB: one step for each would cost more than storing it.
  static constexpr std::size_t read_ahead = std::size_t{256} << 10;

  /// Somebody wants the end. True: the step is the caller's, to end the call.
  bool interrupt(wish what) {
    const std::lock_guard lock(guard_);
    if (ended_ || committing_ || wish_ == wish::stored)
      return false;
    wish_ = what;
    return take_if_waiting();
  }

  // ---- the client's side ----

  /// By whoever does the step: the number of the next message when it is to be asked for; none when
  /// that was done, or no more will come.
  std::optional<std::uint64_t> ask() {
    const std::lock_guard lock(guard_);
    if (reading_ != reading::paused || over_)
      return std::nullopt;
    return next_number();
  }

  /// It was asked for; it may have come long ago. True: somebody wanted the end meanwhile, and
  /// nobody works: the step is the caller's, to end the call as `wanted` says.
  [[nodiscard]] bool wait(std::uint64_t asked) {
    const std::lock_guard lock(guard_);
    if (reading_ != reading::asking || asked_ != asked)
      return false;
    reading_ = reading::waiting;
    return wish_ != wish::none && take_if_waiting();
  }

  /// What is to be done by whoever hears. `step`: he has the step, to take what came; else whoever
  /// does the step takes it, if anybody. `ask`: this next message is to be asked for.
  struct hearing {
    bool step = false;
    std::optional<std::uint64_t> ask = {};
  };

  /// A message has come, which is taken out of there, or null: the end of the stream.
  hearing heard(grpc::ByteBuffer* message) {
    const std::lock_guard lock(guard_);
    reading_ = reading::paused;
    if (ended_)
      return {};
    over_ = !message;
    if (message) {
      inbox_bytes_ += message->Length();
      inbox_.emplace_back().Swap(message);
    }
    if (!working_)
      return {.step = working_ = true};
    if (over_ || inbox_bytes_ >= read_ahead)
      return {};
    return {.ask = next_number()};
  }

  /// By whoever does the step: what has come. Nothing: the stream is over.
  std::deque<grpc::ByteBuffer> take() {
    const std::lock_guard lock(guard_);
    inbox_bytes_ = 0;
    return std::exchange(inbox_, {});
  }

  /// True when we wait for the same message as the last time this was asked: the step is the
  /// caller's then, to end the call.
  bool is_silent() {
    const std::lock_guard lock(guard_);
    const bool same = reading_ == reading::waiting && asked_ == looked_at_;
    looked_at_ = asked_;
    return same && take_if_waiting();
  }

  // ---- our side ----

  enum class next { end, message, nothing };

  /// A step is done. `end`: as `wanted` says; `message`: take what has come, in another step;
  /// `nothing`: the upload is not the caller's any more.
  next step_done() {
    const std::lock_guard lock(guard_);
    if (wish_ != wish::none)
      return next::end;
    if (!inbox_.empty() || over_)
      return next::message;
    working_ = false;
    return next::nothing;
  }

  wish wanted() const {
    const std::lock_guard lock(guard_);
    return wish_;
  }

  /// From now on nobody can stop it.
  void commit() {
    const std::lock_guard lock(guard_);
    committing_ = true;
  }

  void end() {
    const std::lock_guard lock(guard_);
    ended_ = true;
  }

private:
  enum class reading { paused, asking, waiting };

  std::uint64_t next_number() {
    reading_ = reading::asking;
    return ++asked_;
  }

  bool take_if_waiting() {
    if (ended_ || working_ || reading_ != reading::waiting)
      return false;
    return working_ = true;
  }

  mutable std::mutex guard_;
  reading reading_ = reading::paused;
  std::deque<grpc::ByteBuffer> inbox_;
  std::size_t inbox_bytes_ = 0;
  bool over_ = false; ///< nothing follows what is in the inbox
  wish wish_ = wish::none;
  bool working_ = true;
  bool committing_ = false;
  bool ended_ = false;
  std::uint64_t asked_ = 0;
  std::uint64_t looked_at_ = 0;
};

} // namespace expbuild
