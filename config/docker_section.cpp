#include "config/sections.hpp"

#include <charconv>

namespace expbuild {

namespace {

constexpr std::int64_t mebibyte = std::int64_t{1} << 20;
constexpr std::int64_t any = std::int64_t{1} << 50;

bool is_absolute(const std::string& path) {
  return path.size() > 1 && path.front() == '/' && (path + "/").find("/../") == std::string::npos;
}

/// UID or UID:GID, all of it in figures: names would be the image's.
bool parse_user(const std::string& text, identity& into) {
  const auto colon = text.find(':');
  const auto number = [&text](std::size_t from, std::size_t to, std::uint32_t& x) {
    const auto parsed = std::from_chars(text.data() + from, text.data() + to, x);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + to;
  };
  if (!number(0, std::min(colon, text.size()), into.uid))
    return false;
  into.gid = into.uid;
  return colon == std::string::npos || number(colon + 1, text.size(), into.gid);
}

identity read_user(table_reader& section) {
  std::string user;
  section.read("user", user);
  const auto own = own_identity();
  if (user.empty()) {
    const auto found = default_identity();
    if (!found)
      section.error("type", "there is no user 'nobody' on this system: name a 'user'");
    return found.value_or(own);
  }
  identity wanted;
  if (!parse_user(user, wanted))
    section.error("user", "'user' must be \"UID:GID\", in figures");
  else if (own.uid != 0 && wanted.uid != own.uid)
    section.error("user", "actions can run as " + user
                              + " only when the server runs as root: nobody else could read what "
                                "they leave");
  return wanted;
}

bool read_isolation(table_reader& section) {
  const bool root = own_identity().uid == 0;
  std::string isolation = root ? "fresh" : "container";
  section.read("isolation", isolation);
  if (isolation != "fresh" && isolation != "container")
    section.error("isolation", R"('isolation' of docker workers must be "fresh" or "container")");
  if (isolation == "fresh" && !root)
    section.error("isolation", "'isolation = \"fresh\"' needs a server that runs as root, which "
                               "can enter containers: use \"container\"");
  return isolation == "fresh";
}

/// Where every container of ours has something of its own.
bool is_taken(const std::string& path) {
  for (const std::string top :
       {"/build", "/.expbuild", "/tmp", "/var/tmp", "/dev", "/proc", "/sys"})
    if (path == top || path.rfind(top + "/", 0) == 0)
      return true;
  return false;
}

void read_volumes(table_reader& section, std::vector<volume_config>& into) {
  for (const auto* table : section.read_tables("volumes")) {
    table_reader volume(section.context(), table, "execution.pool.workers.volumes");
    volume_config x;
    volume.read("host_path", x.host_path);
    volume.read("container_path", x.container_path);
    volume.read("read_only", x.read_only);
    for (const auto& [key, path] :
         {std::pair{"host_path", x.host_path}, {"container_path", x.container_path}})
      if (!is_absolute(path))
        volume.error(key, std::string("'") + key + "' must be an absolute path below /");
    if (is_taken(x.container_path))
      volume.error("container_path",
                   "'" + x.container_path + "' lies where every action has a place of its own");
    into.push_back(std::move(x));
  }
}

/// A '*' stands at the end: what comes before it is what is allowed.
void read_images(table_reader& section, docker_workers_config& into) {
  section.read("image", into.image);
  if (into.image.empty())
    section.error("image", "a docker worker needs an 'image'");
  section.read("allowed_images", into.allowed_images);
  for (const auto& pattern : into.allowed_images)
    if (pattern.empty() || pattern.find('*') < pattern.size() - 1)
      section.error("allowed_images",
                    "'" + pattern + "': an image, or the beginning of one with a '*' at its end");
  section.read("always_pull", into.always_pull);
}

} // namespace

void read_docker_workers(table_reader& section, pool_config& into) {
  docker_workers_config workers;
  workers.count = static_cast<std::size_t>(section.read_integer("count", 1, 0, 10'000));
  const auto number = std::to_string(into.docker_workers.size() + 1);
  std::string work_dir = (state_directory() / ("docker-" + number)).string();
  section.read("work_dir", work_dir);
  if (!is_absolute(work_dir))
    section.error("work_dir", "'work_dir' must be an absolute path");
  workers.work_dir = work_dir;
  read_images(section, workers);
  workers.fresh = read_isolation(section);
  workers.cpu_limit = section.read_number("cpu_limit", 0, 0.01);
  read_limit(section, "memory_limit", 16 * mebibyte, any, workers.memory_limit);
  section.read("network_mode", workers.network_mode);
  if (workers.network_mode != "none" && workers.network_mode != "bridge"
      && workers.network_mode != "host")
    section.error("network_mode", "'network_mode' must be \"none\", \"bridge\" or \"host\"");
  workers.user = read_user(section);
  read_volumes(section, workers.volumes);
  read_limit(section, "max_processes", 8, 4'000'000, workers.max_processes);
  read_limit(section, "max_output_bytes", mebibyte, any, workers.max_output_bytes);
  workers.max_tmp_bytes =
      section.read_integer("max_tmp_bytes", workers.max_tmp_bytes, mebibyte, any);
  section.read("allow_ptrace", workers.allow_ptrace);
  if (workers.allow_ptrace && !workers.fresh)
    section.warning("allow_ptrace", "'allow_ptrace' means nothing with isolation = \"container\": "
                                    "what containers may do is the engine's to say");
  into.docker_workers.push_back(std::move(workers));
}

void read_docker(table_reader& root, config& into) {
  table_reader section(root.context(), root.read_table("docker"), "docker");
  section.read("socket", into.docker.socket);
  if (!into.docker.socket.empty() && !is_absolute(into.docker.socket))
    section.error("socket", "'socket' must be an absolute path");
}

} // namespace expbuild
