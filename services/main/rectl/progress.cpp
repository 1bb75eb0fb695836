#include "services/main/rectl/progress.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

constexpr auto pause = std::chrono::milliseconds(100);
constexpr std::size_t bar_width = 24;

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && (kind == nullptr || std::strcmp(kind, "dumb") != 0);
}

std::string bar(std::int64_t bytes, std::int64_t total) {
  const auto share = static_cast<double>(bytes) / static_cast<double>(total);
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * bar_width);
  return "[" + std::string(full, '#') + std::string(bar_width - full, ' ') + "] ";
}

} // namespace

std::string size_text(std::int64_t bytes) {
  static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text.data();
}

progress::progress(std::string doing, std::int64_t total)
    : doing_(std::move(doing)), total_(total), visible_(is_terminal()) {}

progress::~progress() {
  if (visible_ && shown_ != clock::time_point{})
    std::fputs("\r\033[K", stderr);
}

void progress::add(std::int64_t bytes) {
  bytes_ += bytes;
  if (const auto now = clock::now(); visible_ && now - shown_ >= pause)
    show(now);
}

void progress::show(clock::time_point now) {
  shown_ = now;
  const auto seconds = std::chrono::duration<double>(now - began_).count();
  auto line = doing_ + " ";
  if (total_ > 0)
    line += bar(bytes_, total_);
  line += size_text(bytes_);
  if (total_ > 0)
    line += " of " + size_text(total_);
  if (seconds > 0.2)
    line +=
        ", " + size_text(static_cast<std::int64_t>(static_cast<double>(bytes_) / seconds)) + "/s";
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
}

} // namespace expbuild::rectl
