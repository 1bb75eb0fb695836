#include "actors/repeat_limiter.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace expbuild {

namespace {

constexpr std::size_t compared_bytes = 256;
constexpr std::size_t told_bytes = 200;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_word(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// FNV-1a.
class hash {
public:
  void add(char c) noexcept { value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u; }
  void add(std::string_view text) noexcept {
    for (const char c : text)
      add(c);
  }
  std::uint64_t value() const noexcept { return value_; }

private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// A number, a hash, a part of a UUID; not the end of a name ("host-worker-1").
bool varies(std::string_view word, char before, bool after_one_that_varies) noexcept {
  if (before == '-' && after_one_that_varies) // of a UUID
    return true;
  if (std::none_of(word.begin(), word.end(), is_digit))
    return false;
  const bool ends_a_name = before == '-' && word.size() <= 4;
  return !ends_a_name && (is_digit(word.front()) || word.size() >= 8);
}

void add_shape(hash& to, std::string_view text) noexcept {
  bool varied = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      to.add(text[i++]);
      continue;
    }
    auto end = i;
    while (end < text.size() && is_word(text[end]))
      ++end;
    const auto word = text.substr(i, end - i);
    varied = varies(word, i > 0 ? text[i - 1] : ' ', varied);
    to.add(varied ? std::string_view("#") : word);
    i = end;
  }
}

bool is_limited(const log_line& line) noexcept {
  return line.level >= spdlog::level::warn
         || (line.level == spdlog::level::info && line.action.empty());
}

} // namespace

std::uint64_t kind_of(const log_line& line) {
  hash sum;
  sum.add(static_cast<char>(line.level));
  sum.add(line.module);
  sum.add(':');
  if (line.level < spdlog::level::warn)
    return sum.value() ^ std::hash<std::string_view>()(line.message);
  add_shape(sum, std::string_view(line.message).substr(0, compared_bytes));
  return sum.value();
}

bool repeat_limiter::admit(const log_line& line) {
  if (!is_limited(line))
    return true;
  auto& x = window_of(kind_of(line), line.at);
  if (x.written < x.allowed) {
    ++x.written;
    return true;
  }
  if (x.left_out++ == 0) {
    x.level = line.level;
    x.module = line.module;
    x.message = clean_text(line.message, told_bytes);
    next_due_ = std::min(next_due_, x.began + limits_.window);
  }
  x.last = line.at;
  return false;
}

repeat_limiter::window& repeat_limiter::window_of(std::uint64_t kind, time_point now) {
  const auto found = windows_.find(kind);
  if (found != windows_.end()) {
    if (is_over(found->second, now)) {
      const bool goes_on = found->second.left_out > 0;
      tell(found->second, now);
      found->second.allowed = goes_on ? 1 : limits_.lines;
    }
    return found->second;
  }
  if (windows_.size() >= limits_.kinds)
    forget_one();
  order_.push_back(kind);
  auto& x = windows_[kind];
  x.began = now;
  x.allowed = limits_.lines;
  return x;
}

/// The one that came first.
void repeat_limiter::forget_one() {
  const auto oldest = windows_.find(order_.front());
  order_.pop_front();
  tell(oldest->second, oldest->second.last);
  windows_.erase(oldest);
}

/// And begins a new window.
void repeat_limiter::tell(window& x, time_point now) {
  if (x.left_out > 0) {
    const auto took = std::chrono::ceil<std::chrono::seconds>(x.last - x.began).count();
    told_.push_back({.at = now,
                     .level = x.level,
                     .module = x.module,
                     .message = "... repeated " + std::to_string(x.left_out) + " times in "
                                + std::to_string(std::max<std::int64_t>(took, 1))
                                + " s: " + x.message});
    x.allowed = 1;
  }
  x.began = now;
  x.written = 0;
  x.left_out = 0;
}

std::vector<log_line> repeat_limiter::due(time_point now) {
  const bool set_back = now < latest_ - limits_.window;
  latest_ = set_back ? now : std::max(latest_, now);
  if (now >= next_due_ || set_back) {
    next_due_ = time_point::max();
    for (auto& [kind, x] : windows_)
      if (x.left_out > 0 && is_over(x, now))
        tell(x, now);
      else if (x.left_out > 0)
        next_due_ = std::min(next_due_, x.began + limits_.window);
  }
  return std::exchange(told_, {});
}

std::vector<log_line> repeat_limiter::rest(time_point now) {
  for (auto& [kind, x] : windows_)
    tell(x, now);
  next_due_ = time_point::max();
  return std::exchange(told_, {});
}

} // namespace expbuild
