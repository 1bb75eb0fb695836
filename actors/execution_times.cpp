#include "actors/execution_times.hpp"

#include "actors/responses.hpp"

#include <array>
#include <tuple>

namespace expbuild {

namespace {

using google::protobuf::Timestamp;

bool is_before(const Timestamp& a, const Timestamp& b) {
  return std::tuple(a.seconds(), a.nanos()) < std::tuple(b.seconds(), b.nanos());
}

bool is_set(const Timestamp& x) {
  return x.seconds() != 0 || x.nanos() != 0;
}

std::array<Timestamp*, 9> in_order(reapi::ExecutedActionMetadata& x) {
  return {x.mutable_queued_timestamp(),
          x.mutable_worker_start_timestamp(),
          x.mutable_input_fetch_start_timestamp(),
          x.mutable_input_fetch_completed_timestamp(),
          x.mutable_execution_start_timestamp(),
          x.mutable_execution_completed_timestamp(),
          x.mutable_output_upload_start_timestamp(),
          x.mutable_output_upload_completed_timestamp(),
          x.mutable_worker_completed_timestamp()};
}

} // namespace

void complete_times(reapi::ExecutedActionMetadata& x, std::chrono::system_clock::time_point now) {
  const auto times = in_order(x);
  Timestamp last;
  for (const auto* time : times)
    if (is_set(*time)) {
      last = *time; // what comes before the first known step takes its time
      break;
    }
  if (!is_set(last))
    set_time(last, now);
  for (auto* time : times) {
    if (!is_set(*time) || is_before(*time, last))
      *time = last;
    last = *time;
  }
}

std::chrono::nanoseconds between(const Timestamp& from, const Timestamp& to) {
  if (!is_set(from) || !is_set(to))
    return std::chrono::nanoseconds(0);
  return std::chrono::seconds(to.seconds() - from.seconds())
         + std::chrono::nanoseconds(to.nanos() - from.nanos());
}

} // namespace expbuild
