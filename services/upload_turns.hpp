#pragma once
#include <cstdint>
#include <mutex>

namespace expbuild {

/// Whose turn it is in one upload. Exactly one thing is under way at any time: a step of ours
/// (finding out, opening, writing, publishing), or waiting for the client's next message. Only
/// while the client is waited for may somebody else end the call; what others want meanwhile is
/// kept until the step is done. Whoever is told to end the call, alone may. Any thread.
class upload_turns {
public:
  enum class wish { none, give_way, stored };

  /// Somebody wants the end. True: end the call now.
  bool interrupt(wish what) {
    const std::lock_guard lock(guard_);
    if (phase_ == phase::ended || committing_ || wish_ == wish::stored)
      return false;
    wish_ = what;
    return phase_ == phase::waiting && end_now();
  }

  /// Our step is done and the next message is about to be asked for: end the call instead if
  /// somebody wants that.
  wish ask() {
    const std::lock_guard lock(guard_);
    ++asked_;
    phase_ = wish_ == wish::none ? phase::asking : phase::ended;
    return wish_;
  }

  /// Which asking this is; by whoever asks.
  std::uint64_t asked() const {
    const std::lock_guard lock(guard_);
    return asked_;
  }

  /// The message was asked for; it may have come long ago. As `ask`.
  wish wait(std::uint64_t asked) {
    const std::lock_guard lock(guard_);
    if (phase_ != phase::asking || asked_ != asked)
      return wish::none;
    phase_ = wish_ == wish::none ? phase::waiting : phase::ended;
    return wish_;
  }

  /// The message has come, or the stream's end. False: the call was ended while we waited.
  bool heard() {
    const std::lock_guard lock(guard_);
    if (phase_ == phase::ended)
      return false;
    phase_ = phase::working;
    return true;
  }

  /// From now on nobody can stop it.
  void commit() {
    const std::lock_guard lock(guard_);
    committing_ = true;
  }

  /// True, and to be ended now, when we wait for the same message as the last time this was asked.
  bool is_silent() {
    const std::lock_guard lock(guard_);
    const bool same = phase_ == phase::waiting && asked_ == looked_at_;
    looked_at_ = asked_;
    return same && end_now();
  }

  void end() {
    const std::lock_guard lock(guard_);
    phase_ = phase::ended;
  }

private:
  enum class phase { working, asking, waiting, ended };

  bool end_now() {
    phase_ = phase::ended;
    return true;
  }

  mutable std::mutex guard_;
  phase phase_ = phase::working;
  wish wish_ = wish::none;
  bool committing_ = false;
  std::uint64_t asked_ = 0;
  std::uint64_t looked_at_ = 0;
};

} // namespace expbuild
