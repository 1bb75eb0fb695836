#include "actors/worker/docker/docker_session.hpp"

#include <utility>

namespace expbuild {

docker_session::docker_session(docker_engine engine, docker_executor_options options)
    : engine_(std::move(engine)), options_(std::move(options)) {}

void docker_session::open(executor::on_ready ready, executor::on_lost lost) {
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

void docker_session::start(const command_spec& command, executor::on_ended ended) {
  if (is_busy())
    return ended(absl::InternalError("the executor of " + options_.name + " is busy"));
  command_ = command;
  ended_ = std::move(ended);
  stopped_ = false;
  const auto& image = command.image.empty() ? options_.image : command.image;
  if (image == image_name_ && is_prepared() && !options_.always_pull)
    begin_if_ready();
  else
    find_image(image);
}

void docker_session::find_image(const std::string& name) {
  looks_for_image_ = true;
  engine_.images->ensure(
      name, options_.always_pull,
      [me = weak_from_this(), name, number = search_](const absl::StatusOr<image_facts>& found) {
        const auto self = me.lock();
        if (!self || !self->is_open() || number != self->search_)
          return;
        self->looks_for_image_ = false;
        if (found.ok())
          self->has_image(name, *found);
        else if (self->is_busy() && !ends_executor(found.status()))
          self->finish(found.status());
        else
          self->fail(end_of_executor(found.status()));
      });
}

void docker_session::has_image(const std::string& name, const image_facts& found) {
  const bool is_same = found.id == image_.id;
  image_name_ = name;
  image_ = found;
  if (is_same && is_prepared())
    begin_if_ready();
  else
    prepare();
}

void docker_session::prepared() {
  if (const auto ready = std::exchange(ready_, nullptr))
    ready(absl::OkStatus());
  else
    begin_if_ready();
}

void docker_session::begin_if_ready() {
  if (!is_busy() || !can_begin())
    return;
  if (stopped_)
    return finish(stopped_before_start());
  add_environment(image_, command_);
  begin(command_);
}

void docker_session::stop() {
  stopped_ = true;
  if (!is_busy() || !looks_for_image_)
    return stop_command();
  ++search_; // a pull may take as long as it likes; nobody here waits for it any more
  looks_for_image_ = false;
  finish(stopped_before_start());
}

void docker_session::finish(absl::StatusOr<command_ended> ended) {
  if (const auto told = std::exchange(ended_, nullptr))
    told(std::move(ended));
}

void docker_session::fail(const absl::Status& why) {
  const auto ready = std::exchange(ready_, nullptr);
  const auto lost = std::exchange(lost_, nullptr);
  close();
  if (ready)
    ready(why);
  else if (lost)
    lost(why);
}

void docker_session::close() {
  ready_ = nullptr;
  lost_ = nullptr;
  ended_ = nullptr;
  let_go();
  process_ = 0;
}

void docker_session::run_container(const container_spec& spec,
                                   std::function<void(const running_container&)> next) {
  engine_.boxes->run(spec, [me = weak_from_this(), boxes = engine_.boxes,
                            next = std::move(next)](const absl::StatusOr<running_container>& made) {
    const auto self = me.lock();
    if (self && self->is_open())
      return made.ok() ? next(*made) : self->fail(made.status());
    if (made.ok())
      boxes->discard(made->id, nullptr);
  });
}

} // namespace expbuild
