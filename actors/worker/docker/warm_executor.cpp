#include "actors/log.hpp"
#include "actors/worker/docker/docker_executor.hpp"
#include "actors/worker/docker/places.hpp"
#include "actors/worker/posted_executor.hpp"
#include "actors/worker/runner_process.hpp"
#include "actors/worker/runner_session.hpp"

#include <optional>

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

/// The executor's inside, on the execution thread. Becomes ready, and ready again for a command
/// that wants another image, in steps: image, container, runner.
class warm_session : public std::enable_shared_from_this<warm_session> {
public:
  warm_session(execution_thread::impl& thread, docker_engine engine,
               docker_executor_options options)
      : thread_(thread), engine_(std::move(engine)), options_(std::move(options)) {}

  void open(executor::on_ready ready, executor::on_lost lost) {
    ready_ = std::move(ready);
    lost_ = std::move(lost);
    engine_.boxes->remove_labelled(container_labels::slot, options_.directory, "", "",
                                   [me = weak_from_this()](const absl::Status& status) {
                                     if (const auto self = me.lock())
                                       self->cleared(status);
                                   });
  }

  void start(const command_spec& command, executor::on_ended ended) {
    if (ended_)
      return ended(absl::InternalError("the executor of " + options_.name + " is busy"));
    command_ = command;
    ended_ = std::move(ended);
    stopped_ = false;
    const auto& image = command.image.empty() ? options_.image : command.image;
    if (runner_ && image == image_name_ && !options_.always_pull)
      return begin();
    find_image(image, [](warm_session& self, const image_facts& image_found) {
      if (self.runner_ && image_found.id == self.image_.id)
        self.begin();
      else
        self.replace(image_found);
    });
  }

  void stop() {
    stopped_ = true;
    if (runner_)
      runner_->stop();
  }

  void check_health(executor::on_ready answer) {
    if (!runner_)
      return answer(absl::UnavailableError(options_.name + " has no container"));
    runner_->check_health(std::move(answer));
  }

  void close() {
    ready_ = nullptr;
    lost_ = nullptr;
    ended_ = nullptr;
    let_go();
  }

  /// Of the container's first process, which is what commands live and die with.
  std::int64_t pid() const { return container_pid_.load(); }

private:
  using on_image = void (*)(warm_session&, const image_facts&);

  void cleared(const absl::Status& status) {
    if (!status.ok())
      return fail(status);
    find_image(options_.image,
               [](warm_session& self, const image_facts& found) { self.replace(found); });
  }

  void find_image(const std::string& name, on_image next) {
    engine_.images->ensure(
        name, options_.always_pull,
        [me = weak_from_this(), name, next](const absl::StatusOr<image_facts>& found) {
          const auto self = me.lock();
          if (!self)
            return;
          if (!found.ok() && self->ended_ && !ends_executor(found.status()))
            return std::exchange(self->ended_, nullptr)(found.status());
          if (!found.ok())
            return self->fail(end_of_executor(found.status()));
          self->wanted_name_ = name;
          next(*self, *found);
        });
  }

  void replace(const image_facts& image) {
    let_go();
    image_ = image;
    image_name_ = wanted_name_;
    engine_.boxes->run(warm_spec(options_, image.id),
                       [me = weak_from_this(),
                        boxes = engine_.boxes](const absl::StatusOr<running_container>& made) {
                         const auto self = me.lock();
                         if (self && (self->ready_ || self->lost_))
                           return self->made(made);
                         if (made.ok()) // nobody wants it any more
                           boxes->remove(made->id, [](const absl::Status&) {});
                       });
  }

  void made(const absl::StatusOr<running_container>& made) {
    if (!made.ok())
      return fail(made.status());
    container_ = *made;
    container_pid_ = made->pid;
    logger().debug("{} has container {} of image {}", options_.name, made->id, image_name_);
    runner_session_options session{
        .name = options_.name, .setup = setup_for(options_, *made), .identity = options_.identity};
    session.memory_limit = "memory_limit = " + std::to_string(options_.limits.memory_bytes);
    runner_ = std::make_shared<runner_session>(
        thread_.loop, std::make_shared<runner_process>(thread_, options_.name, options_.runner),
        std::move(session));
    runner_->open(
        [me = weak_from_this()](const absl::Status& status) {
          if (const auto self = me.lock())
            self->opened(status);
        },
        [me = weak_from_this()](const absl::Status& why) {
          if (const auto self = me.lock())
            self->fail(why);
        });
  }

  void opened(const absl::Status& status) {
    if (!status.ok())
      return fail(status);
    if (ended_)
      return begin();
    std::exchange(ready_, nullptr)(absl::OkStatus());
  }

  void begin() {
    if (stopped_)
      return std::exchange(ended_, nullptr)(stopped_before_start());
    add_environment(image_, command_);
    runner_->start(command_, [me = weak_from_this()](absl::StatusOr<command_ended> ended) {
      const auto self = me.lock();
      if (self && self->ended_)
        std::exchange(self->ended_, nullptr)(std::move(ended));
    });
  }

  /// It can run nothing more: whoever waits is told.
  void fail(const absl::Status& why) {
    ended_ = nullptr;
    let_go();
    if (ready_)
      return std::exchange(ready_, nullptr)(why);
    if (lost_)
      std::exchange(lost_, nullptr)(why);
  }

  void let_go() {
    if (const auto runner = std::exchange(runner_, nullptr))
      runner->close();
    container_pid_ = 0;
    if (const auto gone = std::exchange(container_, std::nullopt))
      engine_.boxes->remove(gone->id, [id = gone->id](const absl::Status& status) {
        if (!status.ok())
          logger().warn("container {} stays until the next sweep: {}", id,
                        std::string(status.message()));
      });
  }

  execution_thread::impl& thread_;
  const docker_engine engine_;
  const docker_executor_options options_;
  executor::on_ready ready_;
  executor::on_lost lost_;
  executor::on_ended ended_;
  command_spec command_;
  bool stopped_ = false;
  std::string wanted_name_;
  std::string image_name_; ///< of the container's image, and what it meant then
  image_facts image_;
  std::optional<running_container> container_;
  std::atomic<std::int64_t> container_pid_{0};
  std::shared_ptr<runner_session> runner_;
};

} // namespace

std::unique_ptr<executor> make_warm_executor(execution_thread& thread, docker_engine engine,
                                             docker_executor_options options) {
  auto& inside = thread.get();
  return std::make_unique<posted_executor<warm_session>>(
      inside, std::make_shared<warm_session>(inside, std::move(engine), std::move(options)));
}

} // namespace expbuild
