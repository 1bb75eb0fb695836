#include "actors/worker/docker/engine_watch.hpp"

#include "actors/worker/execution_thread_impl.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <future>
#include <optional>

namespace expbuild {

namespace {

/// Its events are followed only to hear their end.
constexpr auto for_ever = std::chrono::hours(24 * 365);

/// The watch's inside, on the execution thread.
class pulse : public std::enable_shared_from_this<pulse> {
public:
  pulse(boost::asio::io_context& loop, engine_client& client, engine_watch_options options,
        on_engine_change told)
      : client_(client), options_(options), told_(std::move(told)), timer_(loop),
        pause_(options.first_pause) {}

  void ping() {
    client_.call({.target = "/_ping", .limit = options_.ping_limit},
                 [me = weak_from_this()](const absl::StatusOr<engine_answer>& answer) {
                   if (const auto self = me.lock())
                     self->take(answer);
                 });
  }

  void close() {
    told_ = nullptr;
    events_ = nullptr;
    timer_.cancel();
  }

private:
  void take(const absl::StatusOr<engine_answer>& answer) {
    if (!told_)
      return;
    if (!answer.ok())
      return missed(answer.status());
    if (!answer->ok())
      return missed(
          absl::UnavailableError("the container engine is not well: " + answer->message()));
    if (!events_)
      follow();
    pause_ = options_.first_pause;
    tell(absl::OkStatus());
    wait(options_.ping_every);
  }

  void follow() {
    const auto number = ++streams_;
    events_ = client_.follow(
        {.target = "/events?filters=%7B%22type%22%3A%5B%22daemon%22%5D%7D", .limit = for_ever},
        [](const std::string&) {},
        [me = weak_from_this(), number](const absl::Status& why) {
          const auto self = me.lock();
          if (self && self->streams_ == number && self->told_)
            self->missed(why.ok() ? absl::UnavailableError("the container engine has stopped")
                                  : why);
        });
  }

  void missed(const absl::Status& why) {
    ++streams_;
    events_ = nullptr;
    tell(absl::UnavailableError(std::string(why.message())));
    wait(pause_);
    pause_ = std::min(2 * pause_, options_.longest_pause);
  }

  void tell(absl::Status status) {
    const bool changed = !last_ || last_->ok() != status.ok();
    last_ = std::move(status);
    if (changed)
      told_(*last_);
  }

  void wait(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([me = weak_from_this()](boost::system::error_code error) {
      const auto self = me.lock();
      if (!error && self && self->told_)
        self->ping();
    });
  }

  engine_client& client_;
  const engine_watch_options options_;
  on_engine_change told_;
  boost::asio::steady_timer timer_;
  std::chrono::milliseconds pause_;
  std::optional<absl::Status> last_;
  std::shared_ptr<engine_client::subscription> events_;
  std::uint64_t streams_ = 0; ///< begun so far, and one more with each end: fences late ends
};

class posted_watch : public engine_watch {
public:
  posted_watch(boost::asio::io_context& loop, std::shared_ptr<pulse> inside)
      : loop_(loop), inside_(std::move(inside)) {
    boost::asio::post(loop_, [x = inside_] { x->ping(); });
  }

  ~posted_watch() override { // NOLINT(bugprone-exception-escape): only without any memory
    std::promise<void> closed;
    boost::asio::post(loop_, [&] {
      inside_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

private:
  boost::asio::io_context& loop_;
  const std::shared_ptr<pulse> inside_;
};

} // namespace

std::unique_ptr<engine_watch> make_engine_watch(execution_thread& thread, engine_client& client,
                                                engine_watch_options options,
                                                on_engine_change told) {
  auto& loop = thread.get().loop;
  return std::make_unique<posted_watch>(
      loop, std::make_shared<pulse>(loop, client, options, std::move(told)));
}

} // namespace expbuild
