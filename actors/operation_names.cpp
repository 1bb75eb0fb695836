#include "actors/operation_names.hpp"

#include <array>
#include <cstdlib>
#include <sys/random.h>

namespace expbuild {

std::string new_operation_name() {
  std::array<unsigned char, 30> chance; // one for each x
  if (::getrandom(chance.data(), chance.size(), 0) != static_cast<ssize_t>(chance.size()))
    std::abort(); // never for so few bytes
  static constexpr char hex[] = "0123456789abcdef";
  std::string text = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
  const auto* next = chance.data();
  for (auto& c : text)
    if (c == 'x')
      c = hex[*next++ & 0xf];
  return text;
}

void operation_names::add(const std::string& name, std::uint64_t execution) {
  const auto number = ++last_;
  by_name_[name] = number;
  by_number_[number] = {number, execution, name};
}

void operation_names::retire(const std::string& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end())
    by_number_.at(found->second).execution = retired;
}

void operation_names::erase(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    return;
  by_number_.erase(found->second);
  by_name_.erase(found);
}

std::optional<std::uint64_t> operation_names::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end())
    return std::nullopt;
  return by_number_.at(found->second).execution;
}

operation_names::page operation_names::list(std::uint64_t after, std::size_t limit,
                                            std::optional<bool> done,
                                            std::size_t max_visited) const {
  page result;
  std::size_t visited = 0;
  for (auto i = by_number_.upper_bound(after); i != by_number_.end(); ++i) {
    if (result.entries.size() == limit || visited++ == max_visited) {
      result.next = std::prev(i)->first;
      break;
    }
    if (!done || *done == (i->second.execution == retired))
      result.entries.push_back(i->second);
  }
  return result;
}

} // namespace expbuild
