#include "services/main/rectl/progress.hpp"
#include "services/main/rectl/signals.hpp"
#include "services/main/rectl/table.hpp"
#include "services/main/rectl/verbs.hpp"

#include <absl/strings/ascii.h>

#include <iostream>
#include <map>
#include <pthread.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

using admin::v1::Action;
using admin::v1::Status;
using admin::v1::WatchEvent;

constexpr const char* enter_screen = "\x1b[?1049h\x1b[?25l";
constexpr const char* leave_screen = "\x1b[?25h\x1b[?1049l";
constexpr const char* top_left = "\x1b[H\x1b[2J";
constexpr std::size_t last_ends = 8;

/// Ends a stream at Ctrl-C. The signals must be blocked in every thread.
class interruption {
public:
  interruption(grpc::ClientContext& call, const sigset_t& signals)
      : thread_([&call, signals] {
          int signal = 0;
          if (::sigwait(&signals, &signal) == 0)
            call.TryCancel();
        }) {}
  ~interruption() {
    ::pthread_kill(thread_.native_handle(), SIGUSR1); // wakes it up to end
    thread_.join();
  }

private:
  std::thread thread_;
};

std::size_t terminal_rows() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

/// What the screen shows: the last status, and what lives.
class screen {
public:
  /// True when it should be drawn again.
  bool take(const WatchEvent& event) {
    if (event.has_status()) {
      status_ = event.status();
      return true;
    }
    if (event.has_lost())
      live_.clear(); // ends may be among them; who lives is told again as it goes on
    if (event.has_action())
      take(event.action());
    return false;
  }

  void draw() const {
    std::cout << top_left << "ExpBuild " << status_.version() << "   " << status_.queued_actions()
              << " queued, " << status_.running_actions() << " running, "
              << status_.completed_actions() << " completed, " << status_.failed_actions()
              << " failed, " << status_.cached_actions() << " from cache   storage "
              << size_text(status_.cas().used_bytes()) << " of "
              << size_text(status_.cas().max_bytes()) << "\n\n";
    draw_problems();
    draw_workers();
    draw_actions();
    std::cout << std::flush;
  }

private:
  void take(const Action& x) {
    if (x.outcome().empty()) {
      live_[x.operation_name()] = x;
      return;
    }
    live_.erase(x.operation_name());
    ended_.insert(ended_.begin(), x);
    if (ended_.size() > last_ends)
      ended_.pop_back();
  }

  void draw_problems() const {
    for (const auto& x : status_.problems())
      std::cout << coloured("! ", colour::bad) << x.what() << "\n  "
                << coloured(x.next_step(), colour::faint) << "\n";
    if (status_.problems_size() > 0)
      std::cout << "\n";
  }

  void draw_workers() const {
    table rows({"worker", "state", "restarts", "runs"});
    const auto room = terminal_rows() / 3;
    for (int i = 0; i < status_.workers_size() && i < static_cast<int>(room); ++i) {
      const auto& x = status_.workers(i);
      const auto state = absl::AsciiStrToLower(admin::v1::Worker::State_Name(x.state()));
      rows.add({x.name(),
                coloured(state, state == "busy"   ? colour::good
                                : state == "idle" ? colour::plain
                                                  : colour::doubtful),
                std::to_string(x.restarts()), x.action().substr(0, 16)});
    }
    rows.print();
    std::cout << "\n";
  }

  void draw_actions() const {
    table rows({"action", "stage", "for", "worker", "mnemonic", "target"});
    auto room = terminal_rows() / 3;
    for (const auto& [name, x] : live_) {
      if (room-- == 0)
        break;
      rows.add({x.action_digest().substr(0, 16), x.stage(),
                duration_text(seconds_between(x.began_at(), now())), x.worker(),
                x.action_mnemonic(), x.target_id()});
    }
    for (const auto& x : ended_)
      rows.add({x.action_digest().substr(0, 16),
                coloured(x.outcome(), x.outcome() == "success" || x.outcome() == "cache_hit"
                                          ? colour::good
                                          : colour::bad),
                duration_text(seconds_between(x.began_at(), x.ended_at())), x.worker(),
                x.action_mnemonic(), x.target_id()});
    rows.print();
  }

  Status status_;
  std::map<std::string, Action> live_;
  std::vector<Action> ended_; ///< the newest first
};

int run_top(const globals& given) {
  if (given.json || ::isatty(STDOUT_FILENO) == 0) {
    std::cerr << "rectl: top draws on a terminal; for scripts there are status and actions "
                 "--follow, with --json\n";
    return usage;
  }
  const auto signals = block_signals();
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::WatchRequest request;
  request.set_actions(true);
  request.mutable_status_every()->set_seconds(1);
  const auto call = server.new_long_call();
  const auto events = server.admin->Watch(call.get(), request);
  grpc::Status ended;
  {
    const interruption at_ctrl_c(*call, signals);
    std::cout << enter_screen;
    screen shown;
    for (WatchEvent event; events->Read(&event);)
      if (shown.take(event))
        shown.draw();
    ended = events->Finish();
    std::cout << leave_screen << std::flush;
  }
  if (ended.error_code() == grpc::StatusCode::CANCELLED)
    return ok; // by us
  return complain(from_grpc(ended, "watching the server"));
}

} // namespace

verb add_top(CLI::App& app) {
  app.add_subcommand("top", "the server, live, on the whole terminal; Ctrl-C leaves");
  return run_top;
}

} // namespace expbuild::rectl
