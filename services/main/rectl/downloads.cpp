#include "services/main/rectl/digest_argument.hpp"
#include "services/main/rectl/download.hpp"
#include "services/main/rectl/progress.hpp"
#include "services/main/rectl/verbs.hpp"
#include "services/main/rectl/whole_file.hpp"

#include <fcntl.h>
#include <iostream>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

struct download_request {
  std::string what;
  std::string to;
  bool is_tree = false;
};

absl::Status save(client& server, const digest& id, const std::filesystem::path& to) {
  const auto folder = to.has_parent_path() ? to.parent_path() : std::filesystem::path(".");
  const unique_fd parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent)
    return errno_status(errno, "opening " + folder.string());
  auto file = whole_file::create(parent.get(), to.filename().string(), 0644);
  if (!file.ok())
    return file.status();
  progress line("downloading", id.size_bytes());
  auto status = read_verified(server, id, [&](std::string_view bytes) {
    line.add(static_cast<std::int64_t>(bytes.size()));
    return file->append(bytes);
  });
  return status.ok() ? file->publish() : status;
}

absl::Status save_tree(client& server, const digest& id, const std::string& to) {
  progress line("downloading", 0);
  return download_tree(server, id, to, [&line](std::int64_t bytes) { line.add(bytes); });
}

/// The digest is wrong before a server is asked: that is the caller's to mend.
int wrong_usage(const absl::Status& status) {
  complain(status);
  return usage;
}

int run_download(const globals& given, const download_request& request) {
  const auto id = parse_digest_argument(request.what);
  if (!id.ok())
    return wrong_usage(id.status());
  std::error_code is_none; // saving says why
  if (!request.is_tree && std::filesystem::is_directory(request.to, is_none))
    return wrong_usage(absl::InvalidArgumentError(
        "'" + request.to + "' is a folder: name a file, or give --tree for a Directory or Tree"));
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  const auto status =
      request.is_tree ? save_tree(server, *id, request.to) : save(server, *id, request.to);
  return status.ok() ? ok : complain(status);
}

int run_cat(const globals& given, const std::string& what) {
  const auto id = parse_digest_argument(what);
  if (!id.ok())
    return wrong_usage(id.status());
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  const auto status = read_verified(server, *id, [](std::string_view bytes) {
    return write_all(STDOUT_FILENO, bytes, "printing");
  });
  return status.ok() ? ok : complain(status);
}

} // namespace

verb add_download(CLI::App& app) {
  auto* command =
      app.add_subcommand("download", "fetch a blob into a file, or a tree into a folder");
  auto x = std::make_shared<download_request>();
  command->add_option("DIGEST", x->what, "HASH/SIZE or FUNCTION/HASH/SIZE")->required();
  command->add_option("-o,--output", x->to, "the file, or with --tree the folder")->required();
  command->add_flag("--tree", x->is_tree, "DIGEST is that of a Directory or a Tree");
  return [x](const globals& given) { return run_download(given, *x); };
}

verb add_cat(CLI::App& app) {
  auto* command = app.add_subcommand("cat", "print a blob");
  auto what = std::make_shared<std::string>();
  command->add_option("DIGEST", *what, "HASH/SIZE or FUNCTION/HASH/SIZE")->required();
  return [what](const globals& given) { return run_cat(given, *what); };
}

} // namespace expbuild::rectl
