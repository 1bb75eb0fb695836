#include "config/sections.hpp"

#include <charconv>

namespace expbuild {

namespace {

void read_address(table_reader& section, std::string& into, bool may_be_empty) {
  section.read("address", into);
  if (!(may_be_empty && into.empty()) && !is_address(into))
    section.error("address", "'" + into + "' is no HOST:PORT, as in \"127.0.0.1:8980\"");
}

void read_count(table_reader& section, const std::string& key, std::size_t& into) {
  into = static_cast<std::size_t>(
      section.read_integer(key, static_cast<std::int64_t>(into), 1, 1'000'000));
}

} // namespace

bool is_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return false;
  int port = -1;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  return parsed.ec == std::errc{} && parsed.ptr == end && port >= 0 && port <= 65535;
}

void read_server(table_reader& root, config& into) {
  {
    table_reader section(root.context(), root.read_table("server"), "server");
    read_address(section, into.server.address, false);
    section.read("instance_name", into.server.instance_name);
    read_count(section, "max_connections", into.server.max_connections);
    read_count(section, "max_connections_per_peer", into.server.max_connections_per_peer);
    read_count(section, "max_streams", into.server.max_streams);
    into.server.upload_stall = std::chrono::seconds(
        section.read_integer("upload_stall_seconds", into.server.upload_stall.count(), 1, 86'400));
  }
  {
    table_reader section(root.context(), root.read_table("http"), "http");
    read_address(section, into.http.address, true);
    section.read("cache", into.http.cache);
    section.read("any_value", into.http.any_value);
    read_count(section, "max_connections", into.http.max_connections);
    section.read("control", into.http.control);
    section.read("public_url", into.http.public_url);
  }
  {
    table_reader section(root.context(), root.read_table("trace"), "trace");
    into.trace.memory_bytes = static_cast<std::size_t>(section.read_integer(
        "memory", static_cast<std::int64_t>(into.trace.memory_bytes), 0, std::int64_t{64} << 30));
  }
  table_reader section(root.context(), root.read_table("watchdog"), "watchdog");
  into.watchdog.patience = std::chrono::seconds(
      section.read_integer("patience_seconds", into.watchdog.patience.count(), 1, 86'400));
}

} // namespace expbuild
