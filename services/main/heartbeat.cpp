#include "services/main/heartbeat.hpp"

#include <mutex>
#include <set>

namespace expbuild {

/// Knows all that it needs: an answer may come when the heartbeat is gone.
struct heartbeat::round {
  std::mutex guard;
  std::set<std::string> missing;
  bool complained = false;
  std::function<void()> beat;
  std::function<void(const std::string&, bool)> complain;

  void answered(const std::string& who) {
    {
      const std::lock_guard lock(guard);
      if (missing.erase(who) == 0 || !missing.empty())
        return;
    }
    beat();
    if (complained)
      complain("all actors answer again", true);
  }

  bool is_over() {
    const std::lock_guard lock(guard);
    return missing.empty();
  }

  /// Once.
  void complain_now() {
    std::string names;
    {
      const std::lock_guard lock(guard);
      if (complained || missing.empty())
        return;
      complained = true;
      for (const auto& name : missing)
        names += (names.empty() ? "" : ", ") + name;
    }
    complain("no answer from " + names, false);
  }
};

heartbeat::heartbeat(std::vector<vital_part> parts, std::function<void()> beat,
                     std::function<void(const std::string&, bool)> complain)
    : parts_(std::move(parts)), beat_(std::move(beat)), complain_(std::move(complain)) {}

void heartbeat::next() {
  if (round_ && !round_->is_over())
    return round_->complain_now();
  round_ = std::make_shared<round>();
  round_->beat = beat_;
  round_->complain = complain_;
  for (const auto& x : parts_)
    round_->missing.insert(x.name);
  for (const auto& x : parts_)
    x.ask([round = round_, name = x.name] { round->answered(name); });
}

} // namespace expbuild
