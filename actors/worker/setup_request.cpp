#include "actors/worker/setup_request.hpp"

namespace expbuild {

runner::v1::Request setup_request(const host_sandbox& sandbox) {
  runner::v1::Request request;
  auto& setup = *request.mutable_setup();
  setup.set_scratch(sandbox.scratch);
  return request;
}

} // namespace expbuild
