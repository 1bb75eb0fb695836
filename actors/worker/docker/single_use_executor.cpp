#include "actors/log.hpp"
#include "actors/worker/docker/container_box.hpp"
#include "actors/worker/docker/places.hpp"
#include "actors/worker/posted_executor.hpp"

#include <optional>

namespace expbuild {

namespace {

/// The executor's inside, on the execution thread: the container whose command runs, and the next
/// one, which gets ready meanwhile.
class single_use_session : public std::enable_shared_from_this<single_use_session> {
public:
  single_use_session(execution_thread::impl& thread, docker_engine engine,
                     std::shared_ptr<io_pool> io, docker_executor_options options)
      : thread_(thread), engine_(std::move(engine)), io_(std::move(io)),
        options_(std::move(options)), network_(options_.network) {}

  void open(executor::on_ready ready, executor::on_lost lost) {
    ready_ = std::move(ready);
    lost_ = std::move(lost);
    engine_.boxes->remove_labelled(container_labels::slot, options_.directory, "", "",
                                   [me = weak_from_this()](const absl::Status& status) {
                                     const auto self = me.lock();
                                     if (self && status.ok())
                                       self->find_image(self->options_.image);
                                     else if (self)
                                       self->fail(status);
                                   });
  }

  void start(const command_spec& command, executor::on_ended ended) {
    if (ended_)
      return ended(absl::InternalError("the executor of " + options_.name + " is busy"));
    command_ = command;
    ended_ = std::move(ended);
    stopped_ = false;
    const auto& image = command.image.empty() ? options_.image : command.image;
    if (next_ && image == next_image_ && !options_.always_pull)
      return begin_if_ready();
    find_image(image);
  }

  void stop() {
    stopped_ = true;
    if (current_)
      current_->stop();
  }

  void check_health(executor::on_ready answer) {
    if (!next_ || !next_ready_)
      return answer(absl::UnavailableError(options_.name + " has no container yet"));
    next_->check_health(std::move(answer));
  }

  void close() {
    ready_ = nullptr;
    lost_ = nullptr;
    ended_ = nullptr;
    for (const auto& box : {std::exchange(current_, nullptr), std::exchange(next_, nullptr)})
      if (box)
        box->close();
    if (const auto gone = std::exchange(loopback_, std::nullopt))
      engine_.boxes->remove(gone->id, [](const absl::Status&) {}); // else the next sweep does
    process_ = 0;
  }

  std::int64_t pid() const { return process_.load(); }

private:
  void find_image(const std::string& name) {
    engine_.images->ensure(name, options_.always_pull,
                           [me = weak_from_this(), name](const absl::StatusOr<image_facts>& found) {
                             const auto self = me.lock();
                             if (!self)
                               return;
                             if (!found.ok() && self->ended_ && !ends_executor(found.status()))
                               return std::exchange(self->ended_, nullptr)(found.status());
                             if (!found.ok())
                               return self->fail(end_of_executor(found.status()));
                             self->has_image(name, *found);
                           });
  }

  void has_image(const std::string& name, const image_facts& image) {
    next_image_ = name;
    image_ = image;
    if (next_ && next_->image().id == image.id)
      return begin_if_ready();
    if (const auto other = std::exchange(next_, nullptr))
      other->close();
    if (options_.network != "none" || loopback_)
      return make_next();
    make_loopback();
  }

  /// A network namespace takes the engine longer than all the rest of a container: all that have
  /// none but a loopback interface share that of one which does nothing else.
  void make_loopback() {
    auto spec = common_spec(options_, image_.id);
    spec.command = {places::runner, "--idle"};
    engine_.boxes->run(spec, [me = weak_from_this(), boxes = engine_.boxes](
                                 const absl::StatusOr<running_container>& made) {
      const auto self = me.lock();
      if (self && self->lost_)
        return self->has_loopback(made);
      if (made.ok()) // nobody wants it any more
        boxes->remove(made->id, [](const absl::Status&) {});
    });
  }

  void has_loopback(const absl::StatusOr<running_container>& made) {
    if (!made.ok())
      return fail(made.status());
    loopback_ = *made;
    network_ = "container:" + made->id;
    process_ = made->pid;
    make_next();
  }

  void make_next() {
    next_ready_ = false;
    next_ = std::make_shared<container_box>(thread_, engine_, io_, options_, network_,
                                            "box-" + std::to_string(++boxes_), image_);
    next_->prepare(
        [me = weak_from_this(), number = boxes_](const absl::Status& status) {
          const auto self = me.lock();
          if (self && number == self->boxes_)
            self->next_prepared(status);
        },
        [me = weak_from_this(), number = boxes_](const absl::Status& why) {
          if (const auto self = me.lock())
            self->box_lost(number, why);
        });
  }

  void next_prepared(const absl::Status& status) {
    if (!status.ok())
      return next_failed(status);
    next_ready_ = true;
    if (ready_)
      return std::exchange(ready_, nullptr)(absl::OkStatus());
    begin_if_ready();
  }

  void begin_if_ready() {
    if (!ended_ || current_ || !next_ready_)
      return;
    if (stopped_)
      return std::exchange(ended_, nullptr)(stopped_before_start());
    current_ = std::exchange(next_, nullptr);
    current_number_ = boxes_;
    add_environment(image_, command_);
    current_->run(command_, [me = weak_from_this()](absl::StatusOr<command_ended> ended) {
      if (const auto self = me.lock())
        self->command_over(std::move(ended));
    });
    make_next();
  }

  void command_over(absl::StatusOr<command_ended> ended) {
    if (const auto used = std::exchange(current_, nullptr))
      used->close();
    if (const auto told = std::exchange(ended_, nullptr))
      told(std::move(ended));
  }

  void box_lost(std::uint64_t number, const absl::Status& why) {
    if (current_ && number == current_number_)
      fail(why);
    else if (next_ && number == boxes_)
      next_failed(why);
  }

  /// A command that runs meanwhile is not concerned; the one after it tries again.
  void next_failed(const absl::Status& why) {
    next_ready_ = false;
    if (!current_)
      return fail(why);
    if (const auto failed = std::exchange(next_, nullptr))
      failed->close();
    log_of("docker").warn("{} could not start a container ahead: {}", options_.name,
                          std::string(why.message()));
  }

  void fail(const absl::Status& why) {
    const auto ready = std::exchange(ready_, nullptr);
    const auto lost = std::exchange(lost_, nullptr);
    close();
    if (ready)
      ready(why);
    else if (lost)
      lost(why);
  }

  execution_thread::impl& thread_;
  const docker_engine engine_;
  const std::shared_ptr<io_pool> io_;
  const docker_executor_options options_;
  executor::on_ready ready_;
  executor::on_lost lost_;
  executor::on_ended ended_;
  command_spec command_;
  bool stopped_ = false;
  std::string network_;
  std::optional<running_container> loopback_;
  std::atomic<std::int64_t> process_{0};
  std::string next_image_; ///< the name that `image_` was found by
  image_facts image_;
  std::shared_ptr<container_box> current_; ///< its command runs
  std::uint64_t current_number_ = 0;
  std::shared_ptr<container_box> next_; ///< null: making one failed
  bool next_ready_ = false;
  std::uint64_t boxes_ = 0; ///< made so far; the number of `next_`
};

} // namespace

std::unique_ptr<executor> make_single_use_executor(execution_thread& thread, docker_engine engine,
                                                   std::shared_ptr<io_pool> io,
                                                   docker_executor_options options) {
  auto& inside = thread.get();
  return std::make_unique<posted_executor<single_use_session>>(
      inside, std::make_shared<single_use_session>(inside, std::move(engine), std::move(io),
                                                   std::move(options)));
}

} // namespace expbuild
