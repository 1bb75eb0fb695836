#pragma once
#include <cstdint>
#include <mutex>

namespace expbuild {

/// Whose turn it is in one upload. Two things may be under way: a step of ours (finding out,
/// opening, writing, publishing), and waiting for the client's next message. Whoever does the step
/// alone may touch the upload and end the call; a message that comes meanwhile waits until the step
/// is done, and so does what others want. While there is no step, others may end the call at once.
/// It begins with a step. Any thread.
class upload_turns {
public:
  enum class wish { none, give_way, stored };

  /// Somebody wants the end. True: the step is the caller's, to end the call.
  bool interrupt(wish what) {
    const std::lock_guard lock(guard_);
    if (ended_ || committing_ || wish_ == wish::stored)
      return false;
    wish_ = what;
    return take_if_waiting();
  }

  // ---- the client's side ----

  /// By whoever does the step: the next message is about to be asked for. Returns which one it is.
  std::uint64_t ask() {
    const std::lock_guard lock(guard_);
    reading_ = reading::asking;
    return ++asked_;
  }

  /// It was asked for; it may have come long ago.
  void wait(std::uint64_t asked) {
    const std::lock_guard lock(guard_);
    if (reading_ == reading::asking && asked_ == asked)
      reading_ = reading::waiting;
  }

  /// It has come, or the stream's end. True: the step is the caller's, to take it; false: whoever
  /// does the step takes it, if anybody.
  bool heard() {
    const std::lock_guard lock(guard_);
    reading_ = reading::there;
    return !ended_ && !working_ && take_message();
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

  /// A step is done. `end`: as `wanted` says; `message`: take it, in another step; `nothing`: the
  /// upload is not the caller's any more.
  next step_done() {
    const std::lock_guard lock(guard_);
    if (wish_ != wish::none)
      return next::end;
    if (reading_ == reading::there && take_message())
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
  enum class reading { idle, asking, waiting, there };

  bool take_if_waiting() {
    if (ended_ || working_ || reading_ != reading::waiting)
      return false;
    return working_ = true;
  }

  bool take_message() {
    reading_ = reading::idle;
    return working_ = true;
  }

  mutable std::mutex guard_;
  reading reading_ = reading::idle;
  wish wish_ = wish::none;
  bool working_ = true;
  bool committing_ = false;
  bool ended_ = false;
  std::uint64_t asked_ = 0;
  std::uint64_t looked_at_ = 0;
};

} // namespace expbuild
