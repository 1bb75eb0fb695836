#include "services/main/rectl/progress.hpp"
#include "services/main/rectl/upload.hpp"
#include "services/main/rectl/verbs.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace expbuild::rectl {

namespace {

struct uploaded {
  std::string path;
  digest id;
  bool is_directory = false;
};

int print(const globals& given, const std::vector<uploaded>& all) {
  auto list = nlohmann::json::array();
  for (const auto& x : all) {
    if (!given.json)
      std::cout << x.id.to_string() << "  " << x.path << "\n";
    list.push_back({{"path", x.path},
                    {"hash", x.id.hash()},
                    {"sizeBytes", x.id.size_bytes()},
                    {"type", x.is_directory ? "directory" : "file"}});
  }
  if (given.json)
    std::cout << nlohmann::json{{"uploaded", list}}.dump(2, ' ', false,
                                                         nlohmann::json::error_handler_t::replace)
              << "\n";
  return ok;
}

int run_upload(const globals& given, const std::vector<std::string>& paths) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  upload_set blobs;
  std::vector<uploaded> all;
  for (const auto& path : paths) {
    std::error_code is_none; // add_file says why
    const bool is_directory = std::filesystem::is_directory(path, is_none);
    const auto id = is_directory ? blobs.add_directory(path) : blobs.add_file(path);
    if (!id.ok())
      return complain(id.status());
    all.push_back({path, *id, is_directory});
  }
  {
    progress line("uploading", blobs.total_bytes());
    const auto status = blobs.send(server, [&line](std::int64_t bytes) { line.add(bytes); });
    if (!status.ok())
      return complain(status);
  }
  return print(given, all);
}

} // namespace

verb add_upload(CLI::App& app) {
  auto* command = app.add_subcommand("upload", "store files and folders; prints their digests");
  auto paths = std::make_shared<std::vector<std::string>>();
  command->add_option("PATH", *paths, "files and folders")->required()->check(CLI::ExistingPath);
  return [paths](const globals& given) { return run_upload(given, *paths); };
}

} // namespace expbuild::rectl
