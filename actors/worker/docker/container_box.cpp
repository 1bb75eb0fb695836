#include "actors/worker/docker/container_box.hpp"

#include "actors/worker/docker/container_link.hpp"
#include "actors/worker/docker/places.hpp"

#include <boost/asio/post.hpp>

namespace expbuild {

namespace {

runner::v1::Request inside_setup(const docker_executor_options& options) {
  runner::v1::Request request;
  request.mutable_setup()->set_isolation(runner::v1::Setup::INSIDE);
  request.mutable_setup()->set_max_output_bytes(options.limits.max_output_bytes);
  return request;
}

/// As it is in the container.
command_spec inside(const command_spec& command) {
  auto x = command;
  const auto below = command.directory.lexically_relative(command.root);
  x.root = places::root;
  x.directory = below == "." ? x.root : x.root / below;
  x.stdout_path.clear();
  x.stderr_path.clear();
  return x;
}

} // namespace

container_box::container_box(execution_thread::impl& thread, docker_engine engine,
                             std::shared_ptr<io_pool> io, docker_executor_options options,
                             std::string network, std::string name, image_facts image)
    : thread_(thread), engine_(std::move(engine)), io_(std::move(io)), options_(std::move(options)),
      network_(std::move(network)), name_(std::move(name)), image_(std::move(image)) {}

void container_box::in_pool(std::function<absl::Status()> work,
                            std::function<void(const absl::Status&)> next) {
  const bool taken =
      io_->post(io_pool::lane::short_work, [me = shared_from_this(), work = std::move(work),
                                            next = std::move(next)]() mutable {
        auto status = work();
        work = nullptr; // what it holds goes here, not there
        boost::asio::post(me->thread_.loop, [me, next, status = std::move(status)] {
          if (!me->closed_)
            next(status);
        });
      });
  if (!taken)
    fail(pool_is_full());
}

// ---- getting ready -----------------------------------------------------------------------------

void container_box::prepare(executor::on_ready ready, executor::on_lost lost) {
  ready_ = std::move(ready);
  lost_ = std::move(lost);
  auto made = std::make_shared<std::shared_ptr<box_folder>>();
  in_pool(
      [made, options = options_, name = name_] {
        auto folder = box_folder::make(options.directory, name, options.identity);
        if (!folder.ok())
          return folder.status();
        *made = *std::move(folder);
        return absl::OkStatus();
      },
      [this, made](const absl::Status& status) {
        folder_ = std::move(*made);
        has_folder(status);
      });
}

void container_box::has_folder(const absl::Status& status) {
  if (!status.ok())
    return fail(status);
  auto spec = common_spec(options_, image_.id);
  spec.network = network_;
  spec.command = {places::runner, "--connect", places::socket};
  spec.mounts.push_back({folder_->root(), places::root, false});
  spec.mounts.push_back({folder_->socket(), places::socket, false});
  const auto tmp = static_cast<std::int64_t>(options_.limits.max_tmp_bytes);
  spec.tmpfs = {{"/tmp", tmp}, {"/var/tmp", tmp}};
  spec.shm_bytes = tmp;
  runner_session_options session{
      .name = options_.name, .setup = inside_setup(options_), .identity = options_.identity};
  session.memory_limit = "memory_limit = " + std::to_string(options_.limits.memory_bytes);
  session_ = std::make_shared<runner_session>(
      thread_.loop, std::make_shared<container_link>(thread_.loop, folder_->take_listener()),
      std::move(session));
  engine_.boxes->run(spec,
                     [me = shared_from_this()](const absl::StatusOr<running_container>& made) {
                       me->has_container(made);
                     });
}

void container_box::has_container(const absl::StatusOr<running_container>& made) {
  if (made.ok())
    container_ = *made;
  if (closed_)
    return remove_container();
  if (!made.ok())
    return fail(made.status());
  session_->open(
      [me = weak_from_this()](const absl::Status& status) {
        const auto self = me.lock();
        if (!self || !self->ready_)
          return;
        if (!status.ok())
          return self->fail(status);
        std::exchange(self->ready_, nullptr)(status);
      },
      [me = weak_from_this()](const absl::Status& why) {
        if (const auto self = me.lock())
          self->container_gone(why);
      });
}

// ---- its command -------------------------------------------------------------------------------

void container_box::run(command_spec command, executor::on_ended ended) {
  command_ = std::move(command);
  ended_ = std::move(ended);
  auto streams = std::make_shared<std::vector<unique_fd>>();
  in_pool(
      [streams, folder = folder_, command = command_, identity = options_.identity] {
        auto logs = make_logs(command, identity);
        if (!logs.ok())
          return logs.status();
        *streams = *std::move(logs);
        return folder->move_in(command.root);
      },
      [this, streams](const absl::Status& status) { is_filled(status, *streams); });
}

void container_box::stop() {
  stopped_ = true;
  session_->stop(); // nothing yet when its inputs are on their way
}

void container_box::is_filled(const absl::Status& status, const std::vector<unique_fd>& streams) {
  if (!status.ok())
    return fail(status);
  if (stopped_)
    return has_ended(stopped_before_start());
  session_->start_with(inside(command_), streams,
                       [me = weak_from_this()](absl::StatusOr<command_ended> ended) {
                         if (const auto self = me.lock())
                           self->has_ended(std::move(ended));
                       });
}

void container_box::has_ended(absl::StatusOr<command_ended> ended) {
  outcome_ = std::move(ended);
  in_pool([folder = folder_, root = command_.root] { return folder->move_out(root); },
          [this](const absl::Status& status) { is_emptied(status); });
}

void container_box::is_emptied(const absl::Status& status) {
  if (!status.ok())
    return fail(status);
  if (const auto told = std::exchange(ended_, nullptr))
    told(std::move(outcome_));
}

/// Its runner died, and so did everything in it. Only its own memory limit makes that the
/// command's doing.
void container_box::container_gone(const absl::Status& why) {
  if (!ended_)
    return fail(why);
  engine_.boxes->wait_ended(
      container_->id, [me = shared_from_this(), why](const absl::StatusOr<container_state>& state) {
        if (me->closed_)
          return;
        if (!state.ok() || state->running || !state->out_of_memory)
          return me->fail(why);
        command_ended x;
        x.why = command_ended::reason::out_of_memory;
        x.exit_code = state->exit_code;
        x.started_at = x.ended_at = std::chrono::system_clock::now();
        x.memory_limit = "memory_limit = " + std::to_string(me->options_.limits.memory_bytes);
        me->has_ended(std::move(x));
      });
}

// ---- the end -----------------------------------------------------------------------------------

void container_box::fail(const absl::Status& why) {
  ended_ = nullptr;
  const auto ready = std::exchange(ready_, nullptr);
  const auto lost = std::exchange(lost_, nullptr);
  if (ready)
    ready(why);
  else if (lost)
    lost(why);
}

void container_box::close() {
  closed_ = true;
  ready_ = nullptr;
  lost_ = nullptr;
  ended_ = nullptr;
  if (session_)
    session_->close();
  remove_container();
}

/// Then the folder goes, which the container has mounted: on the pool, for it may be large.
void container_box::remove_container() {
  const auto forget_folder = [io = io_, folder = std::exchange(folder_, nullptr)] {
    io->post(io_pool::lane::long_work, [folder]() mutable { folder.reset(); });
  };
  if (const auto gone = std::exchange(container_, std::nullopt))
    engine_.boxes->discard(gone->id, forget_folder);
  else
    forget_folder();
}

} // namespace expbuild
