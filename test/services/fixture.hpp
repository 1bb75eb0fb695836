#pragma once
#include "actors/action_cache.hpp"
#include "actors/cas.hpp"
#include "actors/recorder.hpp"
#include "services/grpc_server.hpp"
#include "services/upload_board.hpp"
#include "storage/result_store.hpp"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "google/bytestream/bytestream.grpc.pb.h"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/test/unit_test.hpp>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>

namespace expbuild::test {

struct system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2u);
  }
};

/// A server on a free port of the loopback, in front of the real storage actors on a memory store,
/// and a client's channel to it. Whoever tests other actors puts fakes into the context first.
struct service_fixture {
  system_config config;
  caf::actor_system sys{config};
  std::shared_ptr<backend> store;
  std::shared_ptr<io_pool> io = make_io_pool(
      {.short_threads = 2, .write_threads = 2, .long_threads = 2, .max_waiting = 1000});
  std::shared_ptr<metrics> meters = std::make_shared<metrics>("1.2.3");
  std::shared_ptr<service_context> context = std::make_shared<service_context>();
  std::unique_ptr<grpc_server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::vector<caf::strong_actor_ptr> kept;

  explicit service_fixture(std::shared_ptr<backend> blobs = make_memory_backend())
      : store(std::move(blobs)) {
    context->instance_name = "main";
    context->version = "1.2.3";
    context->store = store;
    context->io = io;
    context->uploads = std::make_shared<upload_board>(io, suspension_options{});
    context->meters = meters;
    context->cas = keep(sys.spawn(
        cas, cas_options{.store = store, .io = io, .meters = meters, .max_open_writes = 100}));
    context->action_cache =
        keep(sys.spawn(action_cache, action_cache_options{.results = make_memory_result_store(),
                                                          .store = store,
                                                          .io = io,
                                                          .meters = meters,
                                                          .blobs = context->cas}));
    context->recorder = keep(sys.spawn(recorder, recorder_options{}));
  }

  ~service_fixture() {
    if (server)
      server->shutdown(std::chrono::seconds(1));
    server.reset();
    for (const auto& each : kept)
      caf::anon_send_exit(each, caf::exit_reason::kill);
    io->stop();
    context.reset();
    kept.clear();
  }

  template <class Handle>
  Handle keep(Handle x) {
    kept.push_back(caf::actor_cast<caf::strong_actor_ptr>(x));
    return x;
  }

  /// An actor that looks like a `Handle`, has these handlers and drops everything else.
  template <class Handle, class... Handlers>
  Handle fake(Handlers... handlers) {
    auto actor = sys.spawn([=](caf::event_based_actor* me) -> caf::behavior {
      me->set_default_handler(caf::drop);
      return {handlers...};
    });
    return caf::actor_cast<Handle>(keep(caf::actor_cast<caf::strong_actor_ptr>(actor)));
  }

  void serve() {
    auto made = make_grpc_server({.address = "127.0.0.1:0"}, context);
    CAF_REQUIRE(made.ok());
    server = *std::move(made);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server->port()),
                                        grpc::InsecureChannelCredentials(), arguments);
  }

  template <class Service>
  auto stub() {
    if (!server)
      serve();
    return Service::NewStub(channel);
  }

  /// Puts bytes into the store as an upload does.
  digest put(const std::string& bytes) {
    const auto id = *write_blob(*store, bytes, digest_function::sha256);
    announce(id);
    return id;
  }

  void announce(const digest& id) {
    std::promise<void> done;
    caf::anon_send(context->cas, blobs_stored{.trace = {}, .digests = {id}},
                   reply<unit>([&done](const absl::StatusOr<unit>&) { done.set_value(); }));
    done.get_future().wait();
  }

  bool stored(const digest& id) { return store->open(id).ok(); }
};

/// A context for one call that fails a hanging test instead of hanging with it.
struct client_context : grpc::ClientContext {
  client_context() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20)); }
};

/// Values that another thread produces, one after the other.
template <class T>
class mailbox {
public:
  void put(T x) {
    {
      const std::lock_guard lock(guard_);
      values_.push_back(std::move(x));
    }
    changed_.notify_all();
  }
  T take() {
    std::unique_lock lock(guard_);
    CAF_REQUIRE(
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !values_.empty(); }));
    auto x = std::move(values_.front());
    values_.pop_front();
    return x;
  }
  bool empty() {
    const std::lock_guard lock(guard_);
    return values_.empty();
  }

private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace expbuild::test
