#include "services/action_views.hpp"
#include "services/main/rectl/table.hpp"
#include "services/main/rectl/verbs.hpp"

#include <iomanip>
#include <iostream>
#include <map>
#include <set>

namespace expbuild::rectl {

namespace {

using admin::v1::Event;

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

  void print() {
    add(0, 0);
    std::size_t what = 0;
    std::size_t who = 0;
    for (const auto& x : lines_) {
      what = std::max(what, x.what.size());
      who = std::max(who, x.who.size());
    }
    for (const auto& x : lines_)
      print_line(x, static_cast<int>(what) + 2, static_cast<int>(who) + 2);
  }

private:
  struct line {
    std::string what; // indented
    std::string who;
    const Event* event;
  };

  void add(std::uint64_t parent, std::size_t depth) {
    const auto found = children_.find(parent);
    if (found == children_.end() || depth > 200)
      return;
    for (const auto* event : found->second) {
      lines_.push_back({std::string(2 * depth, ' ') + event->message(),
                        event->from() + " -> " + event->to(), event});
      if (event->span() != 0)
        add(event->span(), depth + 1);
    }
  }

  static void print_line(const line& x, int what_width, int who_width) {
    std::cout << std::left << std::setw(what_width) << x.what << std::setw(who_width) << x.who
              << "waited " << std::setw(10) << duration_text(x.event->queued_for()) << " took "
              << std::setw(10) << duration_text(x.event->handled_in());
    if (x.event->outcome() != "handled")
      std::cout << "  " << x.event->outcome();
    std::cout << "\n";
  }

  std::map<std::uint64_t, std::vector<const Event*>> children_;
  std::vector<line> lines_;
};

/// One line a message, in the order in which they were handled.
void print_sequence(const admin::v1::Trace& trace) {
  if (trace.events().empty())
    return;
  const auto begin = trace.events(0).sent_at();
  table rows({"after", "from", "", "to", "waited", "took", ""});
  for (const auto& x : trace.events()) {
    const bool is_event = x.outcome() == "event";
    rows.add({duration_text(seconds_between(begin, x.sent_at())), is_event ? "" : x.from(),
              is_event ? x.message() : "--" + x.message() + "-->", x.to(),
              is_event ? "" : duration_text(x.queued_for()),
              is_event ? "" : duration_text(x.handled_in()),
              x.outcome() == "handled" || is_event ? "" : coloured(x.outcome(), colour::bad)});
  }
  rows.print();
}

void print_head(const admin::v1::Trace& x) {
  std::cout << "operation " << x.operation_name() << "\naction    " << x.action_digest() << "\n";
  for (const auto& [name, value] :
       {std::pair{"target    ", x.target_id()}, std::pair{"mnemonic  ", x.action_mnemonic()},
        std::pair{"invocation ", x.invocation_id()}, std::pair{"tool      ", x.tool_name()}})
    if (!value.empty())
      std::cout << name << value << "\n";
  std::cout << "\n";
}

int run_trace(const globals& given, const std::string& query, const std::string& format) {
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
  if (given.json || format == "json")
    return print_json(answer);
  if (format == "chrome") {
    std::cout << chrome_trace(answer) << "\n";
    return ok;
  }
  print_head(answer);
  if (format == "sequence")
    print_sequence(answer);
  else
    tree_printer(answer).print();
  return ok;
}

} // namespace

verb add_trace(CLI::App& app) {
  auto* command = app.add_subcommand("trace", "every message that belonged to one operation");
  auto query = std::make_shared<std::string>();
  command->add_option("NAME", *query, name_help)->required();
  auto format = std::make_shared<std::string>("tree");
  command->add_option("--format", *format, "tree, sequence, chrome (for Perfetto), json")
      ->check(CLI::IsMember({"tree", "sequence", "chrome", "json"}));
  return [query, format](const globals& given) { return run_trace(given, *query, *format); };
}

} // namespace expbuild::rectl
