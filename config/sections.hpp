#pragma once
#include "config/config.hpp"
#include "config/table_reader.hpp"

/// One function a section, one .cpp a top-level table. `root` is the file itself.

namespace expbuild {

void read_server(table_reader& root, config& into);
void read_storage(table_reader& root, config& into);
void read_docker(table_reader& root, config& into);
void read_execution(table_reader& root, config& into);
void read_capabilities(table_reader& root, config& into);

/// The keys of a table of host workers that keep actions apart.
void read_sandbox(table_reader& workers, sandbox_config& into);

/// One table of Docker workers.
void read_docker_workers(table_reader& section, pool_config& into);

/// 0 or at least `least`.
void read_limit(table_reader& section, const char* key, std::int64_t least, std::int64_t most,
                std::int64_t& into);

/// HOST:PORT with a port from 0 to 65535.
bool is_address(const std::string& text);

/// Where this user's daemon keeps things: /var/lib/expbuild for root, else XDG_STATE_HOME or
/// ~/.local/state.
std::filesystem::path state_directory();

/// One worker a core in a folder of its own, as the user that this daemon runs actions as.
/// `problems` hears when there is no such user.
host_workers_config default_host_workers(config_problems& problems, const std::string& file);

} // namespace expbuild
