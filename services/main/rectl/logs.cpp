#include "services/json.hpp"
#include "services/main/rectl/verbs.hpp"

#include <absl/strings/ascii.h>
#include <absl/time/time.h>

#include <csignal>
#include <iomanip>
#include <iostream>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

using admin::v1::LogLine;

struct logs_choice {
  int last = 100;
  bool follow = false;
  std::string level;
  std::string module;
  std::string text;
};

/// As the server's own log has it.
void print(const LogLine& line) {
  std::cout << absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(line.at().seconds()),
                                absl::UTCTimeZone())
            << " " << (line.level() == "critical" ? "FATAL" : absl::AsciiStrToUpper(line.level()))
            << " " << line.module() << ": " << line.message() << "\n";
}

int run_logs(const globals& given, const logs_choice& choice) {
  std::signal(SIGINT, [](int) { ::_exit(interrupted); }); // every line is out by then
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::GetLogRequest request;
  request.set_last(choice.last == 0 ? -1 : choice.last);
  request.set_follow(choice.follow);
  request.set_level(absl::AsciiStrToLower(choice.level));
  request.set_module(choice.module);
  request.set_contains(choice.text);
  const auto call = choice.follow ? server.new_long_call() : server.new_call();
  const auto lines = server.admin->GetLog(call.get(), request);
  for (LogLine line; lines->Read(&line);) {
    if (given.json)
      std::cout << to_json(line, json_form::one_line) << "\n";
    else
      print(line);
    std::cout.flush();
  }
  if (auto status = from_grpc(lines->Finish(), "reading the log"); !status.ok())
    return complain(status);
  return ok;
}

absl::Status change(client& server, const std::string& setting, admin::v1::LogLevels& levels) {
  const auto equals = setting.find('=');
  admin::v1::SetLogLevelRequest request;
  if (equals != std::string::npos)
    request.set_module(setting.substr(0, equals));
  request.set_level(equals == std::string::npos ? setting : setting.substr(equals + 1));
  if (request.level().empty() || equals == 0)
    return absl::InvalidArgumentError("'" + setting + "' is neither MODULE=LEVEL nor LEVEL");
  return from_grpc(server.admin->SetLogLevel(server.new_call().get(), request, &levels),
                   "setting the log level");
}

int run_log_level(const globals& given, const std::vector<std::string>& settings) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::LogLevels levels;
  for (const auto& setting : settings)
    if (auto status = change(server, setting, levels); !status.ok()) {
      const int code = complain(status);
      return absl::IsInvalidArgument(status) ? usage : code;
    }
  if (settings.empty())
    if (auto status = from_grpc(server.admin->SetLogLevel(server.new_call().get(), {}, &levels),
                                "asking for the log levels");
        !status.ok())
      return complain(status);
  if (given.json)
    return print_json(levels);
  const std::map<std::string, std::string> sorted(levels.levels().begin(), levels.levels().end());
  for (const auto& [module, level] : sorted)
    std::cout << std::left << std::setw(16) << module << level << "\n";
  return ok;
}

} // namespace

verb add_logs(CLI::App& app) {
  auto* command = app.add_subcommand("logs", "the server's log");
  auto x = std::make_shared<logs_choice>();
  command->add_flag("-f,--follow", x->follow, "and what is written from now on, until Ctrl-C");
  command->add_option("--last", x->last, "lines from before (default 100, at most 10000)")
      ->check(CLI::Range(0, 10'000));
  command->add_option("--level", x->level, "and above: debug, info (default), warn, error");
  command->add_option("--module", x->module, "of this module alone: scheduler, cas, ...");
  command->add_option("TEXT", x->text, "lines that contain it: a digest, an operation, a word");
  return [x](const globals& given) { return run_logs(given, *x); };
}

verb add_log_level(CLI::App& app) {
  auto* command = app.add_subcommand("log-level", "shows and sets how much modules say");
  auto settings = std::make_shared<std::vector<std::string>>();
  command->add_option("SETTING", *settings,
                      "MODULE=LEVEL, or LEVEL for all; trace, debug, info, warn, error, off");
  return [settings](const globals& given) { return run_log_level(given, *settings); };
}

} // namespace expbuild::rectl
