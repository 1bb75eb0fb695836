#pragma once

namespace expbuild::bench {

/// A server that does nothing: what gRPC alone costs on this machine, for the ratios. Answers
/// GetActionResult with an empty result, Execute with one message, reads with bytes from memory
/// (raw slices, no copy) and drops what is written. Serves on 127.0.0.1:`port` until it is killed.
int run_limits_server(int port);

} // namespace expbuild::bench
