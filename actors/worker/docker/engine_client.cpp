#include "actors/worker/docker/engine_client.hpp"

#include "actors/worker/docker/engine_exchange.hpp"
#include "actors/worker/execution_thread_impl.hpp"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <future>
#include <unordered_map>

namespace expbuild {

namespace {

/// What is under way, on the loop's thread. Shared with what is still on its way there.
class exchanges : public std::enable_shared_from_this<exchanges> {
public:
  exchanges(boost::asio::io_context& loop, engine_client_options options)
      : loop_(loop), options_(std::move(options)) {}

  void call(engine_request request, engine_client::on_answer answer) {
    if (closed_)
      return;
    const auto [id, exchange] = begin(std::move(request));
    exchange->ask([me = weak_from_this(), id = id,
                   answer = std::move(answer)](absl::StatusOr<engine_answer> x) {
      if (const auto self = me.lock())
        self->live_.erase(id);
      answer(std::move(x));
    });
  }

  void follow(std::uint64_t id, engine_request request, engine_client::on_line line,
              engine_client::on_end end) {
    if (closed_)
      return;
    const auto exchange =
        live_.emplace(id, std::make_shared<engine_exchange>(loop_, options_, std::move(request)))
            .first->second;
    exchange->follow(std::move(line),
                     [me = weak_from_this(), id, end = std::move(end)](absl::Status x) {
                       if (const auto self = me.lock())
                         self->live_.erase(id);
                       end(std::move(x));
                     });
  }

  void abandon(std::uint64_t id) {
    if (const auto found = live_.find(id); found != live_.end()) {
      found->second->abandon();
      live_.erase(found);
    }
  }

  void close() {
    closed_ = true;
    for (auto all = std::exchange(live_, {}); const auto& [id, exchange] : all)
      exchange->abandon();
  }

  boost::asio::io_context& loop() const { return loop_; }
  std::uint64_t new_id() { return ++last_; }

private:
  std::pair<std::uint64_t, std::shared_ptr<engine_exchange>> begin(engine_request request) {
    const auto id = new_id();
    auto exchange = std::make_shared<engine_exchange>(loop_, options_, std::move(request));
    live_.emplace(id, exchange);
    return {id, exchange};
  }

  boost::asio::io_context& loop_;
  const engine_client_options options_;
  std::unordered_map<std::uint64_t, std::shared_ptr<engine_exchange>> live_;
  std::atomic<std::uint64_t> last_{0};
  bool closed_ = false;
};

class followed : public engine_client::subscription {
public:
  followed(std::shared_ptr<exchanges> of, std::uint64_t id) : of_(std::move(of)), id_(id) {}
  ~followed() override { // NOLINT(bugprone-exception-escape): only without any memory
    boost::asio::post(of_->loop(), [of = of_, id = id_] { of->abandon(id); });
  }

private:
  const std::shared_ptr<exchanges> of_;
  const std::uint64_t id_;
};

class unix_engine_client : public engine_client {
public:
  unix_engine_client(boost::asio::io_context& loop, engine_client_options options)
      : exchanges_(std::make_shared<exchanges>(loop, std::move(options))) {}

  ~unix_engine_client() override { // NOLINT(bugprone-exception-escape): as above
    std::promise<void> closed;
    boost::asio::post(exchanges_->loop(), [&] {
      exchanges_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  void call(engine_request request, on_answer answer) override {
    boost::asio::post(exchanges_->loop(),
                      [x = exchanges_, request = std::move(request), answer = std::move(answer)] {
                        x->call(request, answer);
                      });
  }

  std::shared_ptr<subscription> follow(engine_request request, on_line line, on_end end) override {
    const auto id = exchanges_->new_id();
    boost::asio::post(exchanges_->loop(),
                      [x = exchanges_, id, request = std::move(request), line = std::move(line),
                       end = std::move(end)] { x->follow(id, request, line, end); });
    return std::make_shared<followed>(exchanges_, id);
  }

private:
  const std::shared_ptr<exchanges> exchanges_;
};

} // namespace

std::string engine_answer::message() const {
  const auto parsed = nlohmann::json::parse(body, nullptr, false);
  if (parsed.is_object() && parsed.contains("message") && parsed["message"].is_string())
    return parsed["message"].get<std::string>();
  return body.empty() ? "HTTP status " + std::to_string(status) : body.substr(0, 1000);
}

std::unique_ptr<engine_client> make_engine_client(execution_thread& thread,
                                                  engine_client_options options) {
  return std::make_unique<unix_engine_client>(thread.get().loop, std::move(options));
}

absl::StatusOr<std::filesystem::path> engine_socket(const std::string& docker_host) {
  const std::string scheme = "unix://";
  if (docker_host.empty())
    return engine_client_options().socket;
  if (docker_host.rfind(scheme, 0) == 0 && docker_host.size() > scheme.size())
    return docker_host.substr(scheme.size());
  return absl::InvalidArgumentError("DOCKER_HOST is '" + docker_host
                                    + "': only a Unix socket (unix:///PATH) is spoken here");
}

} // namespace expbuild
