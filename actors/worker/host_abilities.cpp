#include "actors/worker/host_abilities.hpp"

#include "actors/worker/runner_process.hpp"
#include "actors/worker/setup_request.hpp"

#include <boost/asio/post.hpp>

#include <future>

namespace expbuild {

namespace {

constexpr auto limit = std::chrono::seconds(30);

using answer = std::promise<absl::StatusOr<host_abilities>>;

host_abilities abilities_of(const runner::v1::Hello& hello) {
  host_abilities x;
  x.overlays = hello.overlays();
  x.no_overlays = hello.no_overlays();
  for (const auto& lack : hello.lacks())
    x.lacks[lack.key()] = lack.reason();
  return x;
}

/// One question to one runner, on the execution thread. Answers when the runner has gone: nothing
/// of it stays.
class probe : public std::enable_shared_from_this<probe> {
public:
  probe(execution_thread::impl& thread, std::shared_ptr<answer> to)
      : thread_(thread), timer_(thread.loop), to_(std::move(to)) {}

  void ask(const host_executor_options& options) {
    runner_ = std::make_shared<runner_process>(thread_, "the probe", options.runner);
    const auto status =
        runner_->start([me = shared_from_this()](const runner::v1::Event& event,
                                                 const unique_fd&) { me->take(event); },
                       [me = shared_from_this()](const absl::Status& why) { me->gone(why); });
    if (!status.ok())
      return gone(status);
    timer_.expires_after(limit);
    timer_.async_wait([me = shared_from_this()](boost::system::error_code error) {
      if (!error)
        me->runner_->kill(absl::DeadlineExceededError("the runner said nothing for 30 s"));
    });
    runner_->send(setup_request(options.sandbox), {}).IgnoreError(); // else `gone` is told
  }

private:
  void take(const runner::v1::Event& event) {
    if (!event.has_hello())
      return;
    heard_ = abilities_of(event.hello());
    runner_->kill(absl::CancelledError("it was only asked"));
  }

  void gone(const absl::Status& why) {
    timer_.cancel();
    if (heard_)
      to_->set_value(*std::move(heard_));
    else
      to_->set_value(absl::UnavailableError(std::string(why.message())));
  }

  execution_thread::impl& thread_;
  std::shared_ptr<runner_process> runner_;
  boost::asio::steady_timer timer_;
  const std::shared_ptr<answer> to_;
  std::optional<host_abilities> heard_;
};

} // namespace

absl::StatusOr<host_abilities> probe_host(execution_thread& thread,
                                          const host_executor_options& options) {
  const auto to = std::make_shared<answer>();
  boost::asio::post(thread.get().loop, [&thread, options, to] {
    std::make_shared<probe>(thread.get(), to)->ask(options);
  });
  return to->get_future().get();
}

} // namespace expbuild
