#include "services/main/rectl/table.hpp"

#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace expbuild::rectl {

namespace {

bool has_colour() {
  static const bool yes = [] {
    const auto* no = std::getenv("NO_COLOR"); // https://no-color.org
    const auto* terminal = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && (no == nullptr || *no == '\0')
           && (terminal == nullptr || std::string(terminal) != "dumb");
  }();
  return yes;
}

/// Without what a terminal does not show.
std::size_t shown_width(const std::string& x) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == '\x1b') {
      i = x.find('m', i);
      if (i == std::string::npos)
        break;
    } else if ((static_cast<unsigned char>(x[i]) & 0xc0) != 0x80) {
      ++width;
    }
  }
  return width;
}

} // namespace

void table::print() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i >= widths.size())
        widths.push_back(0);
      widths[i] = std::max(widths[i], shown_width(row[i]));
    }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::cout << row[i];
      if (i + 1 < row.size())
        std::cout << std::string(widths[i] + 2 - shown_width(row[i]), ' ');
    }
    std::cout << "\n";
  }
}

std::string duration_text(double seconds) {
  const auto us = seconds * 1e6;
  std::ostringstream text;
  text << std::fixed << std::setprecision(us < 1000 ? 0 : 1);
  if (us < 1000)
    text << us << " us";
  else if (us < 1'000'000)
    text << us / 1000 << " ms";
  else
    text << seconds << " s";
  return text.str();
}

std::string duration_text(const google::protobuf::Duration& x) {
  return duration_text(static_cast<double>(x.seconds()) + x.nanos() / 1e9);
}

double seconds_between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return static_cast<double>(to.seconds() - from.seconds()) + (to.nanos() - from.nanos()) / 1e9;
}

google::protobuf::Timestamp now() {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  google::protobuf::Timestamp x;
  x.set_seconds(ns / 1'000'000'000);
  x.set_nanos(static_cast<std::int32_t>(ns % 1'000'000'000));
  return x;
}

std::string coloured(const std::string& text, colour x) {
  if (!has_colour() || x == colour::plain)
    return text;
  const char* code = x == colour::good       ? "32"
                     : x == colour::bad      ? "31"
                     : x == colour::doubtful ? "33"
                                             : "2";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

} // namespace expbuild::rectl
