#include "actors/worker/posted_executor.hpp"
#include "actors/worker/runner_process.hpp"
#include "actors/worker/runner_session.hpp"
#include "actors/worker/setup_request.hpp"

namespace expbuild {

std::unique_ptr<executor> make_host_executor(execution_thread& thread,
                                             host_executor_options options) {
  auto& inside = thread.get();
  runner_session_options session{
      .name = options.name, .setup = setup_request(options.sandbox), .identity = options.identity};
  if (const auto limit = options.sandbox.max_memory_bytes; limit != 0)
    session.memory_limit = "max_memory_bytes = " + std::to_string(limit);
  auto runner = std::make_shared<runner_process>(inside, options.name, options.runner);
  return std::make_unique<posted_executor<runner_session>>(
      inside, std::make_shared<runner_session>(inside.loop, std::move(runner), std::move(session)));
}

} // namespace expbuild
