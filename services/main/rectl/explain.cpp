#include "services/main/rectl/ask.hpp"
#include "services/main/rectl/table.hpp"

#include <iostream>

namespace expbuild::rectl {

namespace {

using admin::v1::Explanation;

void print_reasons(const char* head, const google::protobuf::RepeatedPtrField<std::string>& why) {
  if (why.empty())
    return;
  std::cout << head << "\n";
  for (const auto& line : why)
    std::cout << "  " << line << "\n";
}

void print(const Explanation& x) {
  std::cout << "action " << x.action_digest() << " " << x.summary() << "\n";
  print_reasons("why it waits:", x.why_waiting());
  print_reasons("why it failed:", x.why_failed());
  print_reasons("why it was not answered from the cache:", x.why_not_cached());
  if (x.mismatches_size() > 0) {
    std::cout << "workers:\n";
    table rows({"  workers", "state", "differs in", "wanted", "offered"});
    for (const auto& m : x.mismatches())
      rows.add({"  " + m.workers(), m.state(), m.property().empty() ? "nothing" : m.property(),
                m.wanted(),
                m.offered().empty() && !m.property().empty() ? "nothing" : m.offered()});
    rows.print();
  }
  if (x.differences_size() == 0)
    return;
  std::cout << "compared with action " << x.compared_with() << ":\n";
  table rows({"  what", "name", "before", "after"});
  for (const auto& d : x.differences())
    rows.add({"  " + d.what(), d.name(), d.before().empty() ? "(nothing)" : d.before(),
              d.after().empty() ? "(nothing)" : d.after()});
  rows.print();
}

int run_explain(const globals& given, const std::string& query) {
  admin::v1::ExplainRequest request;
  request.set_query(query);
  return ask_admin(given, &admin::v1::Admin::Stub::Explain, request, "asking for an explanation",
                   print);
}

} // namespace

verb add_explain(CLI::App& app) {
  auto* command = app.add_subcommand(
      "explain", "why an action waits, why it failed, why it was not answered from the cache");
  auto query = std::make_shared<std::string>();
  command->add_option("NAME", *query, name_help)->required();
  return [query](const globals& given) { return run_explain(given, *query); };
}

} // namespace expbuild::rectl
