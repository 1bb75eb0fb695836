#include "services/main/daemon.hpp"

#include "actors/log.hpp"
#include "actors/log_sink.hpp"
#include "services/grpc_server.hpp"
#include "services/http_endpoint.hpp"
#include "services/main/actor_house.hpp"
#include "services/main/ask_and_wait.hpp"
#include "services/main/exit_code.hpp"
#include "services/main/watchdog.hpp"
#include "services/upload_board.hpp"

#include <caf/config.hpp>
#include <caf/send.hpp>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>
#include <unistd.h>

namespace expbuild {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// At once, of those that end by themselves: more than any build has, and some 170 MB of gRPC's.
constexpr std::size_t max_short_calls = 10'000;

spdlog::logger& logger() {
  static auto& instance = log_of("server");
  return instance;
}

std::shared_ptr<io_pool> make_pool() {
  const std::size_t threads = std::max(4u, std::thread::hardware_concurrency());
  return make_io_pool(
      {.short_threads = threads, .write_threads = threads, .long_threads = threads});
}

std::string caf_version() {
  return std::to_string(CAF_MAJOR_VERSION) + '.' + std::to_string(CAF_MINOR_VERSION) + '.'
         + std::to_string(CAF_PATCH_VERSION);
}

[[noreturn]] void die(const std::string& why) {
  logger().critical("{}: it can not be replaced without loss, the process ends", why);
  ::_exit(hangs);
}

/// Members are in the order of their making; they go in the reverse order.
class running_daemon : public daemon {
public:
  explicit running_daemon(daemon_options options)
      : options_(std::move(options)), actors_(options_.actor_threads) {}

  ~running_daemon() override { open_grpc_ = nullptr; }

  absl::Status start() {
    trace_log::set_budget(options_.trace_memory);
    auto storage = open_stores(options_.cas, options_.action_cache, meters_);
    if (!storage.ok())
      return storage.status();
    storage_ = *std::move(storage);
    fill_context();
    if (auto status = actors_.open(options_, storage_, thread_, die, *context_); !status.ok())
      return status;
    return open_doors();
  }

  int port() const override { return grpc_->port(); }
  int http_port() const override { return http_ ? http_->port() : 0; }
  const service_context& context() const override { return *context_; }

  void stop() override {
    auto& dog = dog_.emplace();
    dog.allow("letting running actions end", options_.drain_timeout + seconds(10));
    grpc_->set_serving(false);
    drain();
    the_log().ring()->end_followers(); // whoever follows it would hold the server up
    dog.allow("closing the gRPC server", seconds(15));
    open_grpc_ = nullptr; // an actor may answer a question for the status when it is gone
    grpc_->shutdown(seconds(5));
    dog.allow("closing the HTTP endpoint", seconds(5));
    if (http_)
      http_->stop();
    dog.allow("stopping the workers", seconds(30));
    actors_.stop_workers();
    dog.allow("finishing disk work", seconds(30));
    io_->stop();
    dog.allow("letting go of actors and threads", seconds(15));
    logger().info("stopped");
  }

private:
  void fill_context() {
    auto& x = *context_;
    x.instance_name = options_.instance_name;
    x.version = options_.version;
    x.digest_functions = options_.digest_functions;
    x.codecs = options_.codecs;
    x.max_batch_total_size_bytes = options_.max_batch_total_size_bytes;
    x.symlinks = options_.symlinks;
    x.exec_enabled = options_.exec_enabled;
    x.action_cache_update_enabled = options_.action_cache_update_enabled;
    x.store = storage_.blobs;
    x.io = io_;
    x.uploads = std::make_shared<upload_board>(io_, suspension_options{});
    x.calls = std::make_shared<call_budget>(options_.max_streams, max_short_calls);
    x.upload_patience = options_.upload_stall;
    x.meters = meters_;
    x.disks = std::make_shared<disk_gauges>(disks(), meters_);
    x.disks->measure(*io_);
  }

  std::vector<disk_gauges::place> disks() const {
    std::vector<disk_gauges::place> found;
    if (options_.cas.root)
      found.push_back({store_kind::cas, *options_.cas.root});
    if (options_.action_cache.root)
      found.push_back({store_kind::action_cache, *options_.action_cache.root});
    return found;
  }

  /// HTTP first: whoever has been answered by gRPC finds the other one open.
  absl::Status open_doors() {
    if (!options_.http_address.empty())
      if (auto status = open_http(); !status.ok())
        return status;
    return open_grpc();
  }

  absl::Status open_grpc() {
    grpc_server_options grpc_options;
    grpc_options.address = options_.address;
    grpc_options.max_connections = options_.max_connections;
    grpc_options.max_connections_per_peer = options_.max_connections_per_peer;
    auto grpc = make_grpc_server(grpc_options, context_);
    if (!grpc.ok())
      return grpc.status();
    grpc_ = *std::move(grpc);
    open_grpc_ = grpc_.get();
    return absl::OkStatus();
  }

  bool is_ready() const {
    const auto* grpc = open_grpc_.load();
    return grpc != nullptr && grpc->serving();
  }

  absl::Status open_http() {
    http_endpoint_options http_options;
    http_options.address = options_.http_address;
    http_options.max_connections = options_.max_http_connections;
    std::shared_ptr<const http_cache> cache;
    if (options_.http_cache)
      cache = std::make_shared<http_cache>(context_, *options_.http_cache);
    auto http = make_http_endpoint(http_options,
                                   http_pages(
                                       context_, [this] { return is_ready(); }, options_.http_api),
                                   cache);
    if (!http.ok())
      return http.status();
    http_ = *std::move(http);
    return absl::OkStatus();
  }

  void drain() {
    logger().info("stopping: waiting up to {} s for running actions",
                  options_.drain_timeout.count());
    if (ask_and_wait(context_->dispatcher, expbuild::drain{}, options_.drain_timeout))
      return;
    logger().warn("some actions still run: their clients are told to try again");
    caf::anon_send(context_->dispatcher, abort_all{.trace = {},
                                                   .why = absl::UnavailableError(
                                                       "the server is shutting down; try again")});
    ask_and_wait(context_->dispatcher, expbuild::drain{}, seconds(5));
  }

  const daemon_options options_;
  const std::shared_ptr<metrics> meters_ = std::make_shared<metrics>(
      options_.version,
      std::map<std::string, std::string>{{"caf", caf_version()}, {"grpc", grpc::Version()}});
  std::optional<watchdog> dog_; ///< from stop() on; goes last of all that can hang
  stores storage_;
  std::shared_ptr<io_pool> io_ = make_pool();
  execution_thread thread_;
  std::shared_ptr<service_context> context_ = std::make_shared<service_context>();
  std::atomic<const grpc_server*> open_grpc_{nullptr}; ///< `grpc_`, for any thread
  actor_house actors_;
  std::unique_ptr<grpc_server> grpc_;
  std::unique_ptr<http_endpoint> http_;
};

} // namespace

absl::StatusOr<std::unique_ptr<daemon>> start_daemon(daemon_options options) {
  auto made = std::make_unique<running_daemon>(std::move(options));
  if (auto status = made->start(); !status.ok())
    return status;
  return made;
}

} // namespace expbuild
