#include "services/main/service_manager.hpp"

#include "actors/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace expbuild {

namespace {

using std::chrono::milliseconds;

/// The status line is never older, whatever the manager wants; who waits for so little costs
/// nothing.
constexpr milliseconds status_period{30'000};

spdlog::logger& logger() {
  static auto& instance = log_of("server");
  return instance;
}

/// That the question is dropped because its actor is dead is no answer.
template <class Answer>
reply<Answer> counting(std::function<void()> answered) {
  return reply<Answer>([answered = std::move(answered)](const absl::StatusOr<Answer>& x) {
    if (x.ok())
      answered();
  });
}

template <class Actor>
vital_part pinged(std::string name, const Actor& actor) {
  return {std::move(name), [actor](std::function<void()> answered) {
            caf::anon_send(actor, ping{}, counting<unit>(std::move(answered)));
          }};
}

/// Its counts are the status line.
vital_part counted(const scheduler_actor& actor, std::shared_ptr<const notify_socket> socket) {
  return {"scheduler", [actor, socket = std::move(socket)](std::function<void()> answered) {
            caf::anon_send(actor, get_scheduler_stats{},
                           reply<scheduler_stats>([socket, answered = std::move(answered)](
                                                      const absl::StatusOr<scheduler_stats>& x) {
                             if (!x.ok())
                               return;
                             socket->send("STATUS=" + status_line(*x));
                             answered();
                           }));
          }};
}

milliseconds period_of(const notify_socket& x) {
  const auto half = std::chrono::duration_cast<milliseconds>(x.watchdog) / 2;
  return x.watchdog.count() == 0 ? status_period : std::clamp(half, milliseconds(1), status_period);
}

void complain(const std::string& what, bool over) {
  if (over)
    logger().info("{}: the service manager hears of us again", what);
  else
    logger().error("{}: the service manager hears nothing of us until it comes, and may restart "
                   "this server; rectl actors tells what they do",
                   what);
}

} // namespace

std::string status_line(const scheduler_stats& x) {
  return std::to_string(x.running) + " running, " + std::to_string(x.queued) + " queued, "
         + std::to_string(x.workers.size()) + (x.workers.size() == 1 ? " worker" : " workers");
}

service_manager::service_manager(notify_socket socket)
    : socket_(std::make_shared<const notify_socket>(std::move(socket))) {}

void service_manager::ready(const service_context& context) {
  if (!socket_->is_open())
    return;
  socket_->send("READY=1\nSTATUS=serving");
  heart_.emplace(
      std::vector<vital_part>{pinged("dispatcher", context.dispatcher),
                              counted(context.scheduler, socket_), pinged("cas", context.cas),
                              pinged("recorder", context.recorder)},
      [socket = socket_] {
        if (socket->watchdog.count() > 0)
          socket->send("WATCHDOG=1");
      },
      complain);
  look_after();
}

void service_manager::stopping() {
  socket_->send("STOPPING=1\nSTATUS=stopping");
  heart_.reset();
}

std::optional<milliseconds> service_manager::pause() const {
  if (!heart_)
    return std::nullopt;
  const auto left = std::chrono::ceil<milliseconds>(due_ - clock::now());
  return std::max(left, milliseconds(0));
}

void service_manager::look_after() {
  if (!heart_ || clock::now() < due_)
    return;
  due_ = clock::now() + period_of(*socket_);
  heart_->next();
}

} // namespace expbuild
