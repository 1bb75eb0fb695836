#include "actors/worker/docker/docker_executor.hpp"

#include "actors/worker/docker/places.hpp"
#include "actors/worker/environment.hpp"

#include <algorithm>

namespace expbuild {

container_spec common_spec(const docker_executor_options& options, const std::string& image_id) {
  container_spec spec;
  spec.image = image_id;
  spec.user = std::to_string(options.identity.uid) + ":" + std::to_string(options.identity.gid);
  spec.directory = "/";
  spec.network = options.network;
  spec.mounts = options.volumes;
  spec.mounts.push_back({options.runner, places::runner, true});
  spec.labels = {{container_labels::pool, options.pool},
                 {container_labels::slot, options.directory},
                 {container_labels::boot, options.boot}};
  spec.cpus = options.limits.cpus;
  spec.memory_bytes = options.limits.memory_bytes;
  if (options.limits.max_processes != 0)
    spec.max_processes = options.limits.max_processes + 3; // three are ours
  return spec;
}

command_ended stopped_before_start() {
  command_ended x;
  x.why = command_ended::reason::stopped;
  x.started_at = x.ended_at = std::chrono::system_clock::now();
  return x;
}

void add_environment(const image_facts& image, command_spec& command) {
  for (const auto& variable : with_path(image.environment))
    if (std::none_of(command.environment.begin(), command.environment.end(),
                     [&variable](const auto& x) { return x.first == variable.first; }))
      command.environment.push_back(variable);
}

} // namespace expbuild
