#pragma once
#include "actors/worker/docker/box_folder.hpp"
#include "actors/worker/docker/docker_executor.hpp"
#include "actors/worker/execution_thread_impl.hpp"
#include "actors/worker/runner_session.hpp"

#include <memory>
#include <optional>

namespace expbuild {

/// One container for one command: started ahead, with a runner waiting in it. Lives on the
/// execution thread.
class container_box : public std::enable_shared_from_this<container_box> {
public:
  /// `network`: as in container_spec. `name` of its folder: unique among those that live.
  container_box(execution_thread::impl& thread, docker_engine engine, std::shared_ptr<io_pool> io,
                docker_executor_options options, std::string network, std::string name,
                image_facts image);

  const image_facts& image() const { return image_; }

  /// `ready` and `lost` as in the seam of execution.
  void prepare(executor::on_ready ready, executor::on_lost lost);

  /// Once, when it is ready. When the container ends before the command does, `ended` is called
  /// only if its memory limit was why; else `lost` is.
  void run(command_spec command, executor::on_ended ended);
  void stop();
  void check_health(executor::on_ready answer) { session_->check_health(std::move(answer)); }

  /// Removes the container, then the folder; no callback runs any more.
  void close();

private:
  /// Does `work` on the I/O pool, then goes on here with its outcome, unless it was closed. The
  /// work shares nothing with this object but what it holds itself.
  void in_pool(std::function<absl::Status()> work, std::function<void(const absl::Status&)> next);
  void has_folder(const absl::Status& status);
  void has_container(const absl::StatusOr<running_container>& made);
  void is_filled(const absl::Status& status, const std::vector<unique_fd>& streams);
  void has_ended(absl::StatusOr<command_ended> ended);
  void is_emptied(const absl::Status& status);
  void container_gone(const absl::Status& why);
  void fail(const absl::Status& why);
  void remove_container();

  execution_thread::impl& thread_;
  const docker_engine engine_;
  const std::shared_ptr<io_pool> io_;
  const docker_executor_options options_;
  const std::string network_;
  const std::string name_;
  const image_facts image_;
  executor::on_ready ready_;
  executor::on_lost lost_;
  executor::on_ended ended_;
  bool stopped_ = false;
  bool closed_ = false;
  std::shared_ptr<box_folder> folder_;
  std::optional<running_container> container_;
  std::shared_ptr<runner_session> session_;
  command_spec command_;
  absl::StatusOr<command_ended> outcome_ = absl::UnknownError("none yet");
};

} // namespace expbuild
