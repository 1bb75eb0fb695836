#include "actors/worker/setup_request.hpp"

namespace expbuild {

runner::v1::Request setup_request(const host_sandbox& sandbox) {
  runner::v1::Request request;
  auto& setup = *request.mutable_setup();
  setup.set_isolation(sandbox.namespaces ? runner::v1::Setup::NAMESPACES : runner::v1::Setup::NONE);
  setup.set_host_network(sandbox.host_network);
  for (const auto& path : sandbox.readable_paths)
    setup.add_readable_paths(path);
  setup.set_max_processes(sandbox.max_processes);
  setup.set_max_memory_bytes(sandbox.max_memory_bytes);
  setup.set_max_output_bytes(sandbox.max_output_bytes);
  setup.set_max_tmp_bytes(sandbox.max_tmp_bytes);
  setup.set_allow_ptrace(sandbox.allow_ptrace);
  setup.set_scratch(sandbox.scratch);
  return request;
}

} // namespace expbuild
