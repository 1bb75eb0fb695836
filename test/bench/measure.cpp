#include "test/bench/measure.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace expbuild::bench {

namespace {

using clock = std::chrono::steady_clock;

double micros(clock::duration x) {
  return std::chrono::duration<double, std::micro>(x).count();
}

} // namespace

double cpu_seconds(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto after_name = text.rfind(')');
  if (after_name == std::string::npos)
    return 0;
  std::istringstream fields(text.substr(after_name + 2));
  const std::vector<std::string> values{std::istream_iterator<std::string>(fields), {}};
  double ticks = 0; // utime, stime, cutime, cstime: fields 14 to 17 of the line
  for (std::size_t i = 11; i < 15; ++i)
    ticks += std::stod(values.at(i));
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  double ticks = 0;
  file >> name;
  for (int field = 0; field < 8; ++field) { // user nice system idle iowait irq softirq steal
    double value = 0;
    file >> value;
    if (field != 3 && field != 4 && field != 7)
      ticks += value;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)) - cpu_seconds(::getpid());
}

sample measure(const std::string& what, std::size_t count, std::size_t threads,
               const std::function<void(std::size_t)>& work, const std::function<double()>& cpu) {
  std::vector<double> times(count);
  std::atomic<std::size_t> next{0};
  const auto cpu_before = cpu();
  const auto start = clock::now();
  std::vector<std::thread> crew;
  for (std::size_t t = 0; t < threads; ++t)
    crew.emplace_back([&] {
      for (auto i = next++; i < count; i = next++) {
        const auto before = clock::now();
        work(i);
        times[i] = micros(clock::now() - before);
      }
    });
  for (auto& each : crew)
    each.join();
  const auto seconds = micros(clock::now() - start) / 1e6;
  std::sort(times.begin(), times.end());
  return {.what = what,
          .per_second = static_cast<double>(count) / seconds,
          .p50_us = times[count / 2],
          .p99_us = times[count * 99 / 100],
          .cpu_us = (cpu() - cpu_before) * 1e6 / static_cast<double>(count),
          .ratio = 0,
          .limit = ""};
}

void print_table(const std::vector<sample>& rows) {
  std::printf("| what | a second | p50 us | p99 us | CPU us each | share of the limit |\n");
  std::printf("|---|---:|---:|---:|---:|---|\n");
  for (const auto& x : rows) {
    std::printf("| %s | %.0f | %.0f | %.0f | %.0f | ", x.what.c_str(), x.per_second, x.p50_us,
                x.p99_us, x.cpu_us);
    if (x.ratio > 0)
      std::printf("%.2f of %s |\n", x.ratio, x.limit.c_str());
    else
      std::printf("%s |\n", x.limit.empty() ? "–" : x.limit.c_str());
  }
}

} // namespace expbuild::bench
