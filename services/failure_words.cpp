#include "services/explanation.hpp"

#include <cstring>

namespace expbuild {

namespace {

constexpr int signal_base = 128;
constexpr int most_signals = 64;

std::string ended_words(int exit_code) {
  if (exit_code > signal_base && exit_code <= signal_base + most_signals) {
    const auto* name = ::strsignal(exit_code - signal_base);
    return "the command was killed by signal " + std::to_string(exit_code - signal_base) + " ("
           + (name == nullptr ? "unknown" : name) + ")";
  }
  return "the command ended with exit code " + std::to_string(exit_code);
}

std::string log_words(const action_record& x) {
  if (!x.result)
    return {};
  const auto& result = *x.result;
  const auto& log =
      result.stderr_digest().size_bytes() > 0 ? result.stderr_digest() : result.stdout_digest();
  if (log.size_bytes() == 0)
    return "it printed nothing";
  return "what it printed: rectl cat " + log.hash() + "/" + std::to_string(log.size_bytes());
}

std::string missing_words(const action_record& x) {
  if (x.missing == 0)
    return {};
  return std::to_string(x.missing) + " of its inputs are not stored here, first " + x.first_missing
         + ": clients upload them again and retry";
}

} // namespace

std::vector<std::string> failure_words(const action_record& x) {
  if (!x.has_failed())
    return {};
  std::vector<std::string> words;
  if (!x.status.ok())
    words.push_back(std::string(absl::StatusCodeToString(x.status.code())) + ": "
                    + std::string(x.status.message()));
  if (x.result && x.exit_code != 0)
    words.push_back(ended_words(x.exit_code));
  for (const auto& lost : x.lost)
    words.push_back(lost.worker + " died while it ran it: " + lost.why);
  for (auto& more : {missing_words(x), log_words(x)})
    if (!more.empty())
      words.push_back(more);
  return words;
}

} // namespace expbuild
