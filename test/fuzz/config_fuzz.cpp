#include "config/config.hpp"
#include "test/fuzz/fuzz.hpp"

using namespace expbuild;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config_problems problems;
  const auto read =
      read_config_text({reinterpret_cast<const char*>(data), size}, "fuzz.toml", problems);
  for (const auto& each : problems)
    require(!to_string(each).empty(), "every problem can be told");
  if (has_errors(problems))
    return 0;
  require(!read.server.address.empty(), "an accepted configuration has an address");
  require(read.server.max_connections > 0 && read.pool.max_attempts > 0,
          "accepted numbers are in their range");
  return 0;
}
