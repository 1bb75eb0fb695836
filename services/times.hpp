#pragma once
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <chrono>
#include <cstdint>

namespace expbuild {

inline constexpr std::int64_t ns_per_second = 1'000'000'000;

/// Nanoseconds since 1970.
inline void set_timestamp(google::protobuf::Timestamp& to, std::int64_t ns) {
  to.set_seconds(ns / ns_per_second);
  to.set_nanos(static_cast<std::int32_t>(ns % ns_per_second));
}

inline void set_timestamp(google::protobuf::Timestamp& to,
                          std::chrono::system_clock::time_point time) {
  set_timestamp(
      to, std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

inline void set_duration(google::protobuf::Duration& to, std::uint64_t ns) {
  to.set_seconds(static_cast<std::int64_t>(ns / ns_per_second));
  to.set_nanos(static_cast<std::int32_t>(ns % ns_per_second));
}

} // namespace expbuild
