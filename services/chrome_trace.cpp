#include "services/action_views.hpp"

#include <nlohmann/json.hpp>

#include <map>

namespace expbuild {

namespace {

using nlohmann::json;

double us(const google::protobuf::Timestamp& x) {
  return static_cast<double>(x.seconds()) * 1e6 + x.nanos() / 1e3;
}

double us(const google::protobuf::Duration& x) {
  return static_cast<double>(x.seconds()) * 1e6 + x.nanos() / 1e3;
}

/// Numbers for actors, in the order in which they appear.
class lanes {
public:
  int of(const std::string& actor) {
    return numbers_.try_emplace(actor, static_cast<int>(numbers_.size()) + 1).first->second;
  }
  void name_all(json& events) const {
    for (const auto& [actor, number] : numbers_)
      events.push_back({{"ph", "M"},
                        {"name", "thread_name"},
                        {"pid", 1},
                        {"tid", number},
                        {"args", {{"name", actor}}}});
  }

private:
  std::map<std::string, int> numbers_;
};

} // namespace

std::string chrome_trace(const admin::v1::Trace& trace) {
  auto events = json::array();
  lanes actors;
  std::map<std::uint64_t, const admin::v1::Event*> by_span;
  for (const auto& x : trace.events())
    by_span[x.span()] = &x;
  std::uint64_t arrows = 0;
  for (const auto& x : trace.events()) {
    const auto lane = actors.of(x.to());
    const auto begins = us(x.sent_at()) + us(x.queued_for());
    if (x.outcome() == "event") {
      events.push_back({{"ph", "i"},
                        {"name", x.message()},
                        {"pid", 1},
                        {"tid", lane},
                        {"ts", begins},
                        {"s", "t"}});
      continue;
    }
    events.push_back(
        {{"ph", "X"},
         {"name", x.message()},
         {"pid", 1},
         {"tid", lane},
         {"ts", begins},
         {"dur", us(x.handled_in())},
         {"args",
          {{"from", x.from()}, {"outcome", x.outcome()}, {"queued_us", us(x.queued_for())}}}});
    const auto sender = by_span.find(x.parent_span());
    if (x.parent_span() == 0 || sender == by_span.end())
      continue;
    const json arrow{{"name", "message"}, {"cat", "message"}, {"id", ++arrows}, {"pid", 1}};
    auto leaves = arrow;
    leaves.update({{"ph", "s"}, {"tid", actors.of(sender->second->to())}, {"ts", us(x.sent_at())}});
    auto arrives = arrow;
    arrives.update({{"ph", "f"}, {"bp", "e"}, {"tid", lane}, {"ts", begins}});
    events.push_back(std::move(leaves));
    events.push_back(std::move(arrives));
  }
  actors.name_all(events);
  const json all{
      {"displayTimeUnit", "ms"},
      {"traceEvents", std::move(events)},
      {"otherData", {{"operation", trace.operation_name()}, {"action", trace.action_digest()}}}};
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace expbuild
