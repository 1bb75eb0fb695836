#include "services/main/rectl/conformance/suite.hpp"
#include "services/main/rectl/verbs.hpp"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <iostream>

namespace expbuild::rectl {

namespace {

using conformance::check;
using conformance::check_list;
using conformance::verdict;

struct conformance_request {
  std::string server;
  std::string filter;
  bool list = false;
  bool markdown = false;
};

/// grpc://HOST:PORT, as clients of builds write it.
std::string address_of(const std::string& uri) {
  const std::string scheme = "grpc://";
  return uri.rfind(scheme, 0) == 0 ? uri.substr(scheme.size()) : uri;
}

int list_checks(const check_list& checks, bool markdown) {
  if (markdown)
    std::cout << "| check | rule |\n|---|---|\n";
  for (const auto& each : checks)
    if (markdown)
      std::cout << "| `" << each.name << "` | " << each.rule << " |\n";
    else
      std::cout << each.name << "\n    " << each.rule << "\n";
  return ok;
}

/// Prints one line a check as it ends, and in the end the score.
class report {
public:
  explicit report(bool json) : json_(json) {}

  void tell(const check& x, const verdict& how) {
    ++count_[static_cast<int>(how.what)];
    const auto* word = conformance::to_string(how.what);
    if (json_) {
      all_.push_back(
          {{"check", x.name}, {"rule", x.rule}, {"verdict", word}, {"detail", how.detail}});
      return;
    }
    std::cout << std::left << std::setw(12) << word << x.name;
    if (!how.detail.empty())
      std::cout << ": " << how.detail;
    std::cout << std::endl; // at once: a run takes a while
  }

  int finish() const {
    const int passed = count_[static_cast<int>(verdict::kind::passed)];
    const int broken = count_[static_cast<int>(verdict::kind::failed)];
    const int absent = count_[static_cast<int>(verdict::kind::not_offered)];
    if (json_)
      std::cout << nlohmann::json{{"checks", all_},
                                  {"passed", passed},
                                  {"failed", broken},
                                  {"not_offered", absent}}
                       .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
                << "\n";
    else
      std::cout << passed << " of " << passed + broken << " passed, " << absent << " not offered\n";
    return broken == 0 && passed > 0 ? ok : failed;
  }

private:
  bool json_;
  int count_[3] = {};
  nlohmann::json all_ = nlohmann::json::array();
};

int run_conformance(const globals& given, const conformance_request& request) {
  const auto checks = conformance::matching_checks(request.filter);
  if (!checks.ok() || checks->empty()) {
    complain(checks.ok() ? absl::InvalidArgumentError("no check is called like '" + request.filter
                                                      + "'; --list shows them all")
                         : checks.status());
    return usage;
  }
  if (request.list)
    return list_checks(*checks, request.markdown);
  auto where = given.connection;
  if (!request.server.empty())
    where.server = address_of(request.server);
  where.timeout = std::min(where.timeout, std::chrono::seconds(30)); // of a server that hangs
  report out(given.json);
  const auto status = conformance::run_checks(
      where, *checks, [&](const check& x, const verdict& how) { out.tell(x, how); });
  return status.ok() ? out.finish() : complain(status);
}

} // namespace

verb add_conformance(CLI::App& app) {
  auto* command = app.add_subcommand(
      "conformance",
      "check a server against the protocol's rules: rectl conformance grpc://HOST:PORT");
  auto x = std::make_shared<conformance_request>();
  command->add_option("SERVER", x->server, "grpc://HOST:PORT or HOST:PORT (default: --server)");
  command->add_option("--filter", x->filter,
                      "only checks whose name this regular expression finds");
  command->add_flag("--list", x->list, "print the checks and their rules, run nothing");
  command->add_flag("--markdown", x->markdown, "with --list: as a table");
  return [x](const globals& given) { return run_conformance(given, *x); };
}

} // namespace expbuild::rectl
