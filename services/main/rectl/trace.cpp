#include "services/main/rectl/verbs.hpp"

#include <iomanip>
#include <iostream>
#include <map>
#include <set>

namespace expbuild::rectl {

namespace {

using admin::v1::Event;

std::string duration_text(const google::protobuf::Duration& x) {
  const auto us = x.seconds() * 1'000'000.0 + x.nanos() / 1000.0;
  std::ostringstream text;
  text << std::fixed << std::setprecision(us < 1000 ? 0 : 1);
  if (us < 1000)
    text << us << " us";
  else if (us < 1'000'000)
    text << us / 1000 << " ms";
  else
    text << us / 1'000'000 << " s";
  return text.str();
}

/// Prints the messages as a tree: each below the one whose handler sent it.
class tree_printer {
public:
  explicit tree_printer(const admin::v1::Trace& trace) {
    std::set<std::uint64_t> spans;
    for (const auto& event : trace.events())
      if (event.span() != 0)
        spans.insert(event.span());
    for (const auto& event : trace.events()) {
      const bool known = spans.contains(event.parent_span());
      children_[known ? event.parent_span() : 0].push_back(&event);
    }
  }

  void print(std::uint64_t parent = 0, std::size_t depth = 0) const {
    const auto found = children_.find(parent);
    if (found == children_.end() || depth > 200)
      return;
    for (const auto* event : found->second) {
      print_line(*event, depth);
      if (event->span() != 0)
        print(event->span(), depth + 1);
    }
  }

private:
  static void print_line(const Event& event, std::size_t depth) {
    auto what = std::string(2 * depth, ' ') + event.message();
    std::cout << std::left << std::setw(44) << what << std::setw(46)
              << (event.from() + " -> " + event.to()) << "waited " << std::setw(10)
              << duration_text(event.queued_for()) << " took " << std::setw(10)
              << duration_text(event.handled_in());
    if (event.outcome() != "handled")
      std::cout << "  " << event.outcome();
    std::cout << "\n";
  }

  std::map<std::uint64_t, std::vector<const Event*>> children_;
};

int run_trace(const globals& given, const std::string& query) {
  client server(given.connection);
  if (auto status = server.connect(std::chrono::seconds(5)); !status.ok())
    return complain(status);
  admin::v1::GetTraceRequest request;
  request.set_query(query);
  admin::v1::Trace answer;
  const auto status = from_grpc(server.admin->GetTrace(server.new_call().get(), request, &answer),
                                "asking for the trace");
  if (!status.ok())
    return complain(status);
  if (given.json)
    return print_json(answer);
  std::cout << "operation " << answer.operation_name() << "\naction    " << answer.action_digest()
            << "\n\n";
  tree_printer(answer).print();
  return ok;
}

} // namespace

verb add_trace(CLI::App& app) {
  auto* command = app.add_subcommand("trace", "every message that belonged to one operation");
  auto query = std::make_shared<std::string>();
  command
      ->add_option("NAME", *query,
                   "operation name, action hash or invocation id, or the first 6 characters")
      ->required();
  return [query](const globals& given) { return run_trace(given, *query); };
}

} // namespace expbuild::rectl
