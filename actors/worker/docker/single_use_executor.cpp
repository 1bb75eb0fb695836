#include "actors/log.hpp"
#include "actors/worker/docker/container_box.hpp"
#include "actors/worker/docker/docker_session.hpp"
#include "actors/worker/docker/places.hpp"
#include "actors/worker/posted_executor.hpp"

#include <atomic>

namespace expbuild {

namespace {

/// The container whose command runs, and the next one, which gets ready meanwhile.
class single_use_session : public docker_session {
public:
  single_use_session(execution_thread::impl& thread, docker_engine engine,
                     std::shared_ptr<io_pool> io, docker_executor_options options)
      : docker_session(std::move(engine), std::move(options)), thread_(thread), io_(std::move(io)),
        network_(options_.network) {}

  void check_health(executor::on_ready answer) override {
    if (!next_ready_)
      return answer(absl::UnavailableError(options_.name + " has no container yet"));
    next_->check_health(std::move(answer));
  }

private:
  void prepare() override {
    drop_next();
    if (options_.network != "none" || !loopback_.empty())
      return make_next();
    make_loopback();
  }

  /// A network namespace takes the engine longer than all the rest of a container: all that have
  /// none but a loopback interface share that of one which does nothing else.
  void make_loopback() {
    auto spec = common_spec(options_, image().id);
    spec.command = {places::runner, "--idle"};
    run_container(spec, [this](const running_container& made) { has_loopback(made); });
  }

  void has_loopback(const running_container& made) {
    loopback_ = made.id;
    network_ = "container:" + made.id;
    set_pid(made.pid);
    make_next();
  }

  void make_next() {
    // Of its own in the process: what the executor before this one left goes meanwhile.
    static std::atomic<std::uint64_t> boxes{0};
    next_number_ = ++boxes;
    next_ = std::make_shared<container_box>(thread_, engine_, io_, options_, network_,
                                            "box-" + std::to_string(next_number_), image());
    next_->prepare(
        [me = me<single_use_session>(), number = next_number_](const absl::Status& status) {
          const auto self = me.lock();
          if (self && self->next_ && number == self->next_number_)
            self->next_prepared(status);
        },
        [me = me<single_use_session>(), number = next_number_](const absl::Status& why) {
          if (const auto self = me.lock())
            self->box_lost(number, why);
        });
  }

  void next_prepared(const absl::Status& status) {
    if (!status.ok())
      return next_failed(status);
    next_ready_ = true;
    prepared();
  }

  bool is_prepared() const override { return next_ != nullptr; }
  bool can_begin() const override { return next_ready_ && !current_; }

  void begin(const command_spec& command) override {
    current_ = std::exchange(next_, nullptr);
    current_number_ = next_number_;
    next_ready_ = false;
    current_->run(command, [me = me<single_use_session>()](absl::StatusOr<command_ended> ended) {
      if (const auto self = me.lock())
        self->command_over(std::move(ended));
    });
    make_next();
  }

  void command_over(absl::StatusOr<command_ended> ended) {
    if (const auto used = std::exchange(current_, nullptr))
      used->close();
    finish(std::move(ended));
  }

  void stop_command() override {
    if (current_)
      current_->stop();
  }

  void box_lost(std::uint64_t number, const absl::Status& why) {
    if (current_ && number == current_number_)
      fail(why);
    else if (next_ && number == next_number_)
      next_failed(why);
  }

  /// A command that runs meanwhile is not concerned; the one after it tries again.
  void next_failed(const absl::Status& why) {
    drop_next();
    if (!current_)
      return fail(why);
    log_of("docker").warn("{} could not start a container ahead: {}", options_.name,
                          std::string(why.message()));
  }

  void drop_next() {
    next_ready_ = false;
    if (const auto box = std::exchange(next_, nullptr))
      box->close();
  }

  void let_go() override {
    drop_next();
    if (const auto box = std::exchange(current_, nullptr))
      box->close();
    if (const auto gone = std::exchange(loopback_, ""); !gone.empty())
      engine_.boxes->discard(gone, nullptr);
  }

  execution_thread::impl& thread_;
  const std::shared_ptr<io_pool> io_;
  std::string network_;                    ///< of containers to come
  std::string loopback_;                   ///< the container that owns it; empty: none
  std::shared_ptr<container_box> current_; ///< its command runs
  std::uint64_t current_number_ = 0;
  std::shared_ptr<container_box> next_; ///< null: making one failed
  bool next_ready_ = false;
  std::uint64_t next_number_ = 0;
};

} // namespace

std::unique_ptr<executor> make_single_use_executor(execution_thread& thread, docker_engine engine,
                                                   std::shared_ptr<io_pool> io,
                                                   docker_executor_options options) {
  auto& inside = thread.get();
  return std::make_unique<posted_executor<docker_session>>(
      inside, std::make_shared<single_use_session>(inside, std::move(engine), std::move(io),
                                                   std::move(options)));
}

} // namespace expbuild
