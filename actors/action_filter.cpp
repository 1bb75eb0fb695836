#include "actors/action_filter.hpp"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::size_t max_terms = 20;
constexpr std::size_t shown_of_a_term = 100;

constexpr std::string_view known_terms =
    "state=live|done, outcome=OUTCOME, failed, slow=SECONDS, target=, mnemonic=, invocation=, "
    "worker=, tool=, digest=, or any text";

absl::Status no_term(const std::string& text, std::string_view why) {
  return absl::InvalidArgumentError("filter: '" + text.substr(0, shown_of_a_term) + "' "
                                    + std::string(why) + " (terms: " + std::string(known_terms)
                                    + ")");
}

bool is_outcome(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(action_outcome::rejected); ++i)
    if (to_string(static_cast<action_outcome>(i)) == text)
      return true;
  return false;
}

bool has(const std::string& text, const std::string& part) {
  return absl::StrContains(text, part);
}

bool mentions(const action_record& x, const std::string& text) {
  return has(x.asker.target_id, text) || has(x.asker.action_mnemonic, text)
         || has(x.asker.invocation_id, text) || has(x.worker, text)
         || absl::StartsWith(x.action.hash(), text)
         || std::any_of(x.operations.begin(), x.operations.end(),
                        [&text](const auto& name) { return has(name, text); });
}

double seconds_of(const action_record& x, std::chrono::system_clock::time_point now) {
  return std::chrono::duration<double>((x.is_live() ? now : x.ended) - x.began).count();
}

} // namespace

absl::StatusOr<action_filter> action_filter::parse(const std::string& text) {
  action_filter made;
  for (const auto& word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (word == "AND")
      continue;
    if (made.terms_.size() == max_terms)
      return no_term(std::string(word), "is one term too many: 20 will do");
    auto one = parse_term(std::string(word));
    if (!one.ok())
      return one.status();
    made.terms_.push_back(*std::move(one));
  }
  return made;
}

absl::StatusOr<action_filter::term> action_filter::parse_term(const std::string& text) {
  static constexpr std::pair<std::string_view, field> fields[] = {
      {"state", field::state},           {"outcome", field::outcome},   {"slow", field::slow},
      {"target", field::target},         {"mnemonic", field::mnemonic}, {"worker", field::worker},
      {"invocation", field::invocation}, {"tool", field::tool},         {"digest", field::digest}};
  if (text == "failed")
    return term{field::failed, {}};
  const auto equals = text.find('=');
  if (equals == std::string::npos)
    return term{field::anything, text};
  const auto name = text.substr(0, equals);
  const auto* known = std::find_if(std::begin(fields), std::end(fields),
                                   [&name](const auto& x) { return x.first == name; });
  if (known == std::end(fields)) // targets may have a '=' in them
    return absl::StartsWith(text, "//") || absl::StartsWith(text, "@")
               ? absl::StatusOr<term>(term{field::anything, text})
               : no_term(text, "is no term");
  term made{known->second, text.substr(equals + 1)};
  if (made.what == field::state && made.value != "live" && made.value != "done")
    return no_term(text, "must be live or done");
  if (made.what == field::outcome && !is_outcome(made.value))
    return no_term(text, "is no outcome: there are success, nonzero, timeout, cancelled, "
                         "infra_error, cache_hit and rejected");
  if (made.what == field::slow && !absl::SimpleAtod(made.value, &made.seconds))
    return no_term(text, "must be a number of seconds");
  return made;
}

bool action_filter::fits(const action_record& x, std::chrono::system_clock::time_point now) const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const term& one) { return fits(one, x, now); });
}

bool action_filter::fits(const term& x, const action_record& on,
                         std::chrono::system_clock::time_point now) {
  switch (x.what) {
  case field::state:
    return on.is_live() == (x.value == "live");
  case field::outcome:
    return on.outcome && to_string(*on.outcome) == x.value;
  case field::failed:
    return on.has_failed();
  case field::slow:
    return seconds_of(on, now) > x.seconds;
  case field::target:
    return on.asker.target_id == x.value;
  case field::mnemonic:
    return on.asker.action_mnemonic == x.value;
  case field::invocation:
    return on.asker.invocation_id == x.value || on.asker.correlated_invocations_id == x.value;
  case field::worker:
    return on.worker == x.value;
  case field::tool:
    return on.asker.tool_name == x.value;
  case field::digest:
    return absl::StartsWith(on.action.hash(), x.value);
  case field::anything:
    break;
  }
  return mentions(on, x.value);
}

} // namespace expbuild
