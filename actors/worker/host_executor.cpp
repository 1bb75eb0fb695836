#include "actors/worker/runner_process.hpp"
#include "actors/worker/setup_request.hpp"

#include <boost/asio/post.hpp>

#include <future>
#include <sys/wait.h>
#include <system_error>
#include <unordered_map>

namespace expbuild {

namespace {

using boost::system::error_code;
using clock = std::chrono::system_clock;
constexpr auto startup_limit = std::chrono::seconds(5);
constexpr auto health_limit = std::chrono::seconds(5);

/// Errors of the command itself; any other errno is our own trouble.
bool is_the_commands_fault(int error) {
  for (const int x : {ENOENT, EACCES, ENOEXEC, E2BIG, ENOTDIR, ENAMETOOLONG, ELOOP, EISDIR, ETXTBSY,
                      EPERM, EINVAL})
    if (error == x)
      return true;
  return false;
}

int exit_code_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

command_ended::reason reason_of(runner::v1::Exited::KilledBy x) {
  if (x == runner::v1::Exited::TIMEOUT)
    return command_ended::reason::timed_out;
  if (x == runner::v1::Exited::REQUEST)
    return command_ended::reason::stopped;
  if (x == runner::v1::Exited::MEMORY)
    return command_ended::reason::out_of_memory;
  return command_ended::reason::exited;
}

/// Never silently less than what was asked for.
absl::Status readiness(const runner::v1::Hello& hello) {
  if (hello.lacks().empty())
    return absl::OkStatus();
  std::string text = "this system does not give what host workers ask for:";
  for (const auto& lack : hello.lacks())
    text += " '" + lack.key() + "' (" + lack.reason() + ")";
  return absl::UnavailableError(text);
}

/// The executor's inside, on the execution thread; shared with what is still on its way there.
class host_session : public std::enable_shared_from_this<host_session> {
public:
  host_session(execution_thread::impl& thread, host_executor_options options)
      : options_(std::move(options)), timer_(thread.loop),
        process_(std::make_shared<runner_process>(thread, options_.name)) {}

  void open(executor::on_ready ready, executor::on_lost lost) {
    ready_ = std::move(ready);
    lost_ = std::move(lost);
    const auto status = process_->start(
        options_.runner,
        [me = weak_from_this()](const runner::v1::Event& event, unique_fd attached) {
          if (const auto self = me.lock())
            self->take(event, std::move(attached));
        },
        [me = weak_from_this()](const absl::Status& why) {
          if (const auto self = me.lock())
            self->gone(why);
        });
    if (!status.ok())
      return std::exchange(ready_, nullptr)(absl::UnavailableError(std::string(status.message())));
    timer_.expires_after(startup_limit);
    timer_.async_wait([me = weak_from_this()](error_code error) {
      const auto self = me.lock();
      if (!error && self)
        self->process_->kill(absl::UnavailableError("the runner said nothing for 5 s"));
    });
    process_->send(setup_request(options_.sandbox)).IgnoreError(); // as in `start`
  }

  void start(const command_spec& command, executor::on_ended ended) {
    if (ended_)
      return ended(absl::InternalError("the executor of " + options_.name + " is busy"));
    ended_ = std::move(ended);
    program_ = command.arguments.empty() ? "" : command.arguments.front();
    started_at_ = clock::now();
    process_->send(request_for(command)).IgnoreError(); // a lost runner is told by `gone`
  }

  void stop() {
    if (!ended_)
      return;
    runner::v1::Request request;
    request.mutable_kill()->set_id(id_);
    process_->send(request).IgnoreError();
  }

  void check_health(executor::on_ready answer) {
    if (process_->pid() == 0)
      return answer(absl::UnavailableError(options_.name + " has no runner"));
    const auto number = ++last_ping_;
    auto limit = std::make_shared<boost::asio::steady_timer>(timer_.get_executor(), health_limit);
    pings_[number] = {std::move(answer), limit};
    limit->async_wait([me = weak_from_this(), number](error_code error) {
      const auto self = me.lock();
      if (!error && self)
        self->answer_ping(number, absl::UnavailableError("the runner does not answer"));
    });
    runner::v1::Request request;
    request.mutable_ping()->set_number(number);
    process_->send(request).IgnoreError();
  }

  void close() {
    ready_ = nullptr;
    lost_ = nullptr;
    ended_ = nullptr;
    pings_.clear();
    timer_.cancel();
    process_->abandon();
  }

  std::int64_t pid() const { return process_->pid(); }

private:
  runner::v1::Request request_for(const command_spec& command) {
    runner::v1::Request request;
    auto& start = *request.mutable_start();
    start.set_id(++id_);
    for (const auto& x : command.arguments)
      start.add_arguments(x);
    for (const auto& [name, value] : command.environment) {
      auto& variable = *start.add_environment();
      variable.set_name(name);
      variable.set_value(value);
    }
    start.set_directory(command.directory);
    start.set_root(command.root);
    start.set_stdout_path(command.stdout_path);
    start.set_stderr_path(command.stderr_path);
    start.set_timeout_ns(command.timeout.count());
    start.set_uid(options_.identity.uid);
    start.set_gid(options_.identity.gid);
    if (command.overlay) {
      auto& overlay = *start.mutable_overlay();
      overlay.set_lower(command.overlay->lower);
      overlay.set_upper(command.overlay->upper);
      overlay.set_work(command.overlay->work);
      overlay.set_at(command.overlay->at);
    }
    return request;
  }

  void take(const runner::v1::Event& event, unique_fd attached) {
    if (event.has_hello() && ready_) {
      timer_.cancel();
      std::exchange(ready_, nullptr)(readiness(event.hello()));
    } else if (event.has_started() && event.started().id() == id_) {
      started_at_ = clock::now();
    } else if (event.has_exited() && event.exited().id() == id_ && ended_) {
      std::exchange(ended_, nullptr)(end_of(event.exited(), std::move(attached)));
    } else if (event.has_failed() && event.failed().id() == id_ && ended_) {
      std::exchange(ended_, nullptr)(failure_of(event.failed()));
    } else if (event.has_pong()) {
      answer_ping(event.pong().number(), absl::OkStatus());
    }
  }

  command_ended end_of(const runner::v1::Exited& event, unique_fd root) const {
    command_ended x;
    x.why = reason_of(event.killed_by());
    x.exit_code = exit_code_of(event.wait_status());
    x.started_at = started_at_;
    x.ended_at = clock::now();
    x.user_time = std::chrono::nanoseconds(event.user_time_ns());
    x.system_time = std::chrono::nanoseconds(event.system_time_ns());
    x.max_rss_bytes = event.max_rss_bytes();
    if (root)
      x.root = std::make_shared<const unique_fd>(std::move(root));
    return x;
  }

  absl::Status failure_of(const runner::v1::Failed& event) const {
    auto text =
        "cannot start " + program_ + ": " + std::generic_category().message(event.error_number());
    if (!event.step().empty())
      text += " (" + event.step() + ")";
    return !event.before_command() && is_the_commands_fault(event.error_number())
               ? absl::InvalidArgumentError(text)
               : absl::UnavailableError(text);
  }

  void answer_ping(std::uint64_t number, const absl::Status& status) {
    const auto found = pings_.find(number);
    if (found == pings_.end())
      return;
    const auto ping = std::move(found->second);
    pings_.erase(found);
    ping.second->cancel();
    ping.first(status);
  }

  void gone(const absl::Status& why) {
    timer_.cancel();
    for (auto pings = std::exchange(pings_, {}); auto& [number, ping] : pings)
      ping.first(why);
    ended_ = nullptr;
    if (ready_)
      return std::exchange(ready_, nullptr)(why);
    if (lost_)
      std::exchange(lost_, nullptr)(why);
  }

  const host_executor_options options_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<runner_process> process_;
  executor::on_ready ready_;
  executor::on_lost lost_;
  executor::on_ended ended_;
  std::string program_;
  clock::time_point started_at_;
  std::uint64_t id_ = 0;
  std::uint64_t last_ping_ = 0;
  std::unordered_map<std::uint64_t,
                     std::pair<executor::on_ready, std::shared_ptr<boost::asio::steady_timer>>>
      pings_;
};

/// The outside: any thread may call; everything goes to the execution thread.
class host_executor : public executor {
public:
  host_executor(execution_thread& thread, host_executor_options options)
      : thread_(thread.get()),
        session_(std::make_shared<host_session>(thread_, std::move(options))) {}

  /// Waits for the execution thread to let go, which never waits for anything itself.
  ~host_executor() override {
    std::promise<void> closed;
    boost::asio::post(thread_.loop, [&] {
      session_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  void open(on_ready ready, on_lost lost) override {
    boost::asio::post(thread_.loop, [s = session_, ready = std::move(ready),
                                     lost = std::move(lost)] { s->open(ready, lost); });
  }

  void start(command_spec command, on_ended ended) override {
    boost::asio::post(thread_.loop, [s = session_, command = std::move(command),
                                     ended = std::move(ended)] { s->start(command, ended); });
  }

  void stop() override {
    boost::asio::post(thread_.loop, [s = session_] { s->stop(); });
  }

  void check_health(on_ready answer) override {
    boost::asio::post(thread_.loop,
                      [s = session_, answer = std::move(answer)] { s->check_health(answer); });
  }

  std::int64_t pid() const override { return session_->pid(); }

private:
  execution_thread::impl& thread_;
  std::shared_ptr<host_session> session_;
};

} // namespace

std::unique_ptr<executor> make_host_executor(execution_thread& thread,
                                             host_executor_options options) {
  return std::make_unique<host_executor>(thread, std::move(options));
}

} // namespace expbuild
