#include "actors/worker/runner_session.hpp"

#include <sys/wait.h>
#include <system_error>

namespace expbuild {

namespace {

using boost::system::error_code;
using clock = std::chrono::system_clock;
constexpr auto startup_limit = std::chrono::seconds(30);
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
  std::string text = "this system does not give what its workers ask for:";
  for (const auto& lack : hello.lacks())
    text += " '" + lack.key() + "' (" + lack.reason() + ")";
  return absl::UnavailableError(text);
}

} // namespace

runner_session::runner_session(boost::asio::io_context& loop, std::shared_ptr<runner_link> link,
                               runner_session_options options)
    : options_(std::move(options)), timer_(loop), link_(std::move(link)) {}

void runner_session::open(executor::on_ready ready, executor::on_lost lost) {
  ready_ = std::move(ready);
  lost_ = std::move(lost);
  const auto status = link_->start(
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
      self->link_->kill(absl::UnavailableError("the runner said nothing for 30 s"));
  });
  link_->send(options_.setup, {}).IgnoreError(); // as in `start`
}

void runner_session::start(const command_spec& command, executor::on_ended ended) {
  start_with(command, {}, std::move(ended));
}

void runner_session::start_with(const command_spec& command, const std::vector<unique_fd>& streams,
                                executor::on_ended ended) {
  if (ended_)
    return ended(absl::InternalError("the executor of " + options_.name + " is busy"));
  ended_ = std::move(ended);
  program_ = command.arguments.empty() ? "" : command.arguments.front();
  started_at_ = clock::now();
  std::vector<int> attached;
  attached.reserve(streams.size());
  for (const auto& stream : streams)
    attached.push_back(stream.get());
  link_->send(request_for(command), std::move(attached)).IgnoreError(); // lost: `gone` tells
}

void runner_session::stop() {
  if (!ended_)
    return;
  runner::v1::Request request;
  request.mutable_kill()->set_id(id_);
  link_->send(request, {}).IgnoreError();
}

void runner_session::check_health(executor::on_ready answer) {
  if (link_->pid() == 0)
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
  link_->send(request, {}).IgnoreError();
}

void runner_session::close() {
  ready_ = nullptr;
  lost_ = nullptr;
  ended_ = nullptr;
  pings_.clear();
  timer_.cancel();
  link_->abandon();
}

runner::v1::Request runner_session::request_for(const command_spec& command) {
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

void runner_session::take(const runner::v1::Event& event, unique_fd attached) {
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
  } else if (event.has_container_ended()) {
    link_->kill(absl::UnavailableError("the container of " + options_.name + " has ended"));
  }
}

command_ended runner_session::end_of(const runner::v1::Exited& event, unique_fd root) const {
  command_ended x;
  x.why = reason_of(event.killed_by());
  x.exit_code = exit_code_of(event.wait_status());
  x.started_at = started_at_;
  x.ended_at = clock::now();
  x.user_time = std::chrono::nanoseconds(event.user_time_ns());
  x.system_time = std::chrono::nanoseconds(event.system_time_ns());
  x.max_rss_bytes = event.max_rss_bytes();
  x.memory_peak_bytes = event.memory_peak_bytes();
  x.memory_limit = options_.memory_limit;
  if (root)
    x.root = std::make_shared<const unique_fd>(std::move(root));
  return x;
}

absl::Status runner_session::failure_of(const runner::v1::Failed& event) const {
  auto text =
      "cannot start " + program_ + ": " + std::generic_category().message(event.error_number());
  if (!event.step().empty())
    text += " (" + event.step() + ")";
  return !event.before_command() && is_the_commands_fault(event.error_number())
             ? absl::InvalidArgumentError(text)
             : absl::UnavailableError(text);
}

void runner_session::answer_ping(std::uint64_t number, const absl::Status& status) {
  const auto found = pings_.find(number);
  if (found == pings_.end())
    return;
  const auto answered = std::move(found->second);
  pings_.erase(found);
  answered.limit->cancel();
  answered.answer(status);
}

void runner_session::gone(const absl::Status& why) {
  timer_.cancel();
  for (auto pings = std::exchange(pings_, {}); auto& [number, waiting] : pings)
    waiting.answer(why);
  ended_ = nullptr;
  if (ready_)
    return std::exchange(ready_, nullptr)(why);
  if (lost_)
    std::exchange(lost_, nullptr)(why);
}

} // namespace expbuild
