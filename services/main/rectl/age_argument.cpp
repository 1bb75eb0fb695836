#include "services/main/rectl/age_argument.hpp"

#include <absl/strings/numbers.h>

#include <array>
#include <string_view>
#include <utility>

namespace expbuild::rectl {

namespace {

constexpr std::array<std::pair<char, long>, 5> units{
    {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}}};
constexpr long longest = 100L * 366 * 86400;

} // namespace

absl::StatusOr<std::chrono::seconds> parse_age_argument(const std::string& text) {
  long count = 0;
  const auto digits = text.empty() ? text : text.substr(0, text.size() - 1);
  if (digits.find_first_not_of("0123456789") == std::string::npos
      && absl::SimpleAtoi(digits, &count))
    for (const auto& [letter, seconds] : units)
      if (text.back() == letter && count <= longest / seconds)
        return std::chrono::seconds(count * seconds);
  return absl::InvalidArgumentError("'" + text.substr(0, 100)
                                    + "' is no time span: give a number and s, m, h, d or w, like "
                                      "90s, 2h or 3d");
}

} // namespace expbuild::rectl
