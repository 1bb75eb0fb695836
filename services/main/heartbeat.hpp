#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace expbuild {

/// Somebody who must answer for us to be alive. `ask` sends a question and returns at once; what it
/// is given is called when the answer comes, once, on any thread, or never.
struct vital_part {
  std::string name;
  std::function<void(std::function<void()> answered)> ask;
};

/// One question to each, again and again: a beat is when all have answered. While somebody has not,
/// nobody is asked again, and there is no beat.
class heartbeat {
public:
  /// `beat` is called on the thread of the last answer. `complain` hears, once a round, who has not
  /// answered when the next should begin, and later that they have.
  heartbeat(std::vector<vital_part> parts, std::function<void()> beat,
            std::function<void(const std::string& what, bool over)> complain);

  /// Whenever it is time, by one thread.
  void next();

private:
  struct round;

  const std::vector<vital_part> parts_;
  const std::function<void()> beat_;
  const std::function<void(const std::string&, bool)> complain_;
  std::shared_ptr<round> round_; ///< the last; shared with the answers that may still come
};

} // namespace expbuild
