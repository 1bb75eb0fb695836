#include "services/http_query.hpp"

namespace expbuild {

namespace {

constexpr std::size_t most_parts = 64;

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// What is no escape stays as it is.
std::string decoded(std::string_view x, bool plus_is_space) {
  std::string text;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int high = x[i] == '%' && i + 2 < x.size() ? hex_value(x[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(x[i + 2]) : -1;
    if (low >= 0) {
      text += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      text += plus_is_space && x[i] == '+' ? ' ' : x[i];
    }
  }
  return text;
}

/// The parts between separators that are not empty.
std::vector<std::string_view> parts_of(std::string_view x, char separator) {
  std::vector<std::string_view> parts;
  while (!x.empty() && parts.size() < most_parts) {
    const auto end = x.find(separator);
    if (end != 0)
      parts.push_back(x.substr(0, end));
    x = end == std::string_view::npos ? std::string_view() : x.substr(end + 1);
  }
  return parts;
}

} // namespace

http_query::http_query(std::string_view target) {
  const auto question = target.find('?');
  for (const auto part : parts_of(target.substr(0, question), '/'))
    segments_.push_back(decoded(part, false));
  if (question == std::string_view::npos)
    return;
  for (const auto part : parts_of(target.substr(question + 1), '&')) {
    const auto equals = part.find('=');
    parameters_.emplace_back(
        decoded(part.substr(0, equals), true),
        equals == std::string_view::npos ? std::string() : decoded(part.substr(equals + 1), true));
  }
}

std::string http_query::from(std::size_t segment) const {
  std::string text;
  for (std::size_t i = segment; i < segments_.size(); ++i)
    text += (i == segment ? "" : "/") + segments_[i];
  return text;
}

std::string http_query::get(std::string_view name) const {
  for (const auto& [key, value] : parameters_)
    if (key == name)
      return value;
  return {};
}

} // namespace expbuild
