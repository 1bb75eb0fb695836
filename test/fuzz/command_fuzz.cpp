#include "actors/worker/command_paths.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace expbuild;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reapi::Command command;
  if (!command.ParseFromArray(data, static_cast<int>(size)))
    return 0;
  const auto paths = resolve_command_paths(command);
  if (!paths.ok())
    return 0;
  // The root itself is the empty path.
  const auto inside = [](const std::string& x) { return x.empty() || is_beneath_root(x); };
  require(inside(paths->working_directory), "the working directory is beneath the root");
  for (const auto& output : paths->outputs)
    require(inside(output.path), "every output is beneath the root");
  for (const auto& folder : paths->to_create)
    require(inside(folder), "every folder to create is beneath the root");
  return 0;
}
