#include "actors/log.hpp"
#include "actors/worker/docker/docker_session.hpp"
#include "actors/worker/docker/places.hpp"
#include "actors/worker/posted_executor.hpp"
#include "actors/worker/runner_process.hpp"
#include "actors/worker/runner_session.hpp"

namespace expbuild {

namespace {

spdlog::logger& logger() {
  static auto& instance = log_of("docker");
  return instance;
}

runner::v1::Request setup_for(const docker_executor_options& options,
                              const running_container& container) {
  runner::v1::Request request;
  auto& setup = *request.mutable_setup();
  setup.set_isolation(runner::v1::Setup::NAMESPACES);
  setup.set_max_output_bytes(options.limits.max_output_bytes);
  setup.set_max_tmp_bytes(options.limits.max_tmp_bytes);
  setup.set_allow_ptrace(options.allow_ptrace);
  setup.set_scratch(options.directory);
  auto& into = *setup.mutable_container();
  into.set_id(container.id);
  into.set_pid(container.pid);
  into.set_join_network(options.network != "none"); // else each command finds a loopback as new
  for (const auto& volume : options.volumes)
    if (!volume.read_only)
      into.add_writable_paths(volume.path);
  return request;
}

/// Everything that a command can write to is mounted for it anew: here are the places for that.
container_spec warm_spec(const docker_executor_options& options, const std::string& image_id) {
  auto spec = common_spec(options, image_id);
  spec.command = {places::runner, "--idle"};
  spec.tmpfs = {{"/tmp", 4096}, {"/var/tmp", 4096}, {places::root, 4096}};
  return spec;
}

/// One container, and a runner on the host that puts commands into it.
class warm_session : public docker_session {
public:
  warm_session(execution_thread::impl& thread, docker_engine engine,
               docker_executor_options options)
      : docker_session(std::move(engine), std::move(options)), thread_(thread) {}

  void check_health(executor::on_ready answer) override {
    if (!runner_)
      return answer(absl::UnavailableError(options_.name + " has no container"));
    runner_->check_health(std::move(answer));
  }

private:
  void prepare() override {
    let_go();
    run_container(warm_spec(options_, image().id),
                  [this](const running_container& made) { has_container(made); });
  }

  void has_container(const running_container& made) {
    container_ = made.id;
    set_pid(made.pid);
    logger().debug("{} has container {} of image {}", options_.name, made.id, image_name());
    runner_session_options session{
        .name = options_.name, .setup = setup_for(options_, made), .identity = options_.identity};
    session.memory_limit = "memory_limit = " + std::to_string(options_.limits.memory_bytes);
    runner_ = std::make_shared<runner_session>(
        thread_.loop, std::make_shared<runner_process>(thread_, options_.name, options_.runner),
        std::move(session));
    runner_->open(
        [me = me<warm_session>()](const absl::Status& status) {
          if (const auto self = me.lock())
            self->has_runner(status);
        },
        [me = me<warm_session>()](const absl::Status& why) {
          if (const auto self = me.lock())
            self->fail(why);
        });
  }

  void has_runner(const absl::Status& status) {
    if (!status.ok())
      return fail(status);
    is_ready_ = true;
    prepared();
  }

  bool is_prepared() const override { return runner_ != nullptr; }
  bool can_begin() const override { return is_ready_; }

  void begin(const command_spec& command) override {
    runner_->start(command, [me = me<warm_session>()](absl::StatusOr<command_ended> ended) {
      if (const auto self = me.lock())
        self->finish(std::move(ended));
    });
  }

  void stop_command() override {
    if (runner_)
      runner_->stop();
  }

  void let_go() override {
    is_ready_ = false;
    if (const auto runner = std::exchange(runner_, nullptr))
      runner->close();
    if (const auto gone = std::exchange(container_, ""); !gone.empty())
      engine_.boxes->discard(gone, nullptr);
  }

  execution_thread::impl& thread_;
  std::string container_; ///< empty: none
  std::shared_ptr<runner_session> runner_;
  bool is_ready_ = false;
};

} // namespace

std::unique_ptr<executor> make_warm_executor(execution_thread& thread, docker_engine engine,
                                             docker_executor_options options) {
  auto& inside = thread.get();
  return std::make_unique<posted_executor<docker_session>>(
      inside, std::make_shared<warm_session>(inside, std::move(engine), std::move(options)));
}

} // namespace expbuild
