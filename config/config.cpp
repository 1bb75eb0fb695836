#include "config/config.hpp"

#include "config/sections.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace expbuild {

namespace {

using severity = config_problem::severity;

/// By place in the file, as one reads it.
void sort(config_problems& problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const config_problem& a, const config_problem& b) {
                     return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                   });
}

config read_table(const toml::table* file, reading& context) {
  config result;
  {
    table_reader root(context, file, "");
    read_server(root, result);
    read_storage(root, result);
    read_docker(root, result);
    read_execution(root, result);
    read_capabilities(root, result);
  }
  sort(*context.problems);
  return result;
}

} // namespace

config read_config_text(const std::string& text, const std::string& name,
                        config_problems& problems) {
  try {
    const auto file = toml::parse(text, name);
    reading context{name, &problems, {}};
    return read_table(&file, context);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    problems.push_back(
        {severity::error, name, where.line, where.column, std::string(error.description())});
    return {};
  }
}

config read_config_file(const std::filesystem::path& path, config_problems& problems) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    problems.push_back({severity::error, path.string(), 0, 0, "the file can not be read"});
    return {};
  }
  std::string text; // not by iterators: they throw when the disk fails
  for (char c = 0; file.get(c);)
    text += c;
  if (file.bad()) {
    problems.push_back(
        {severity::error, path.string(), 0, 0, "the file can not be read to its end"});
    return {};
  }
  return read_config_text(text, path.string(), problems);
}

config default_config(config_problems& problems) {
  reading context{"built-in defaults", &problems, {}};
  return read_table(nullptr, context);
}

std::vector<std::string> known_config_keys() {
  // One table of each kind, so that their keys are asked for, too.
  const auto every_table = toml::parse(R"(
    [[execution.pool.workers]]
    type = "host"
    [[execution.pool.workers]]
    type = "docker"
    [[execution.pool.workers.volumes]]
  )");
  config_problems ignored;
  reading context{"", &ignored, {}};
  read_table(&every_table, context);
  std::sort(context.known.begin(), context.known.end());
  context.known.erase(std::unique(context.known.begin(), context.known.end()), context.known.end());
  return context.known;
}

} // namespace expbuild
