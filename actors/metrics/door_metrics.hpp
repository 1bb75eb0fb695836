#pragma once
#include "actors/metrics/families.hpp"

#include <optional>

namespace expbuild {

inline constexpr label_values<7> route_names{"cache",  "api",    "ui",   "metrics",
                                             "status", "health", "other"};

/// Of requests over HTTP, and of what clients hold here. The methods of gRPC have meters of their
/// own.
struct door_metrics {
  explicit door_metrics(prometheus::Registry& all)
      : calls(gauges(all, "expbuild_grpc_calls", "Calls that gRPC holds for clients"), {}, "kind",
              {"stream", "other"}),
        held(gauges(all, "expbuild_client_memory_bytes", "Memory that is held for clients"), {},
             "what", {"pieces", "buffers"}),
        answers(counters(all, "expbuild_http_requests_total",
                         "Requests over HTTP, by who answered and the class of the status")),
        took(histograms(all, "expbuild_http_request_seconds",
                        "Time from a request's header to the end of its answer"),
             {}, "route", route_names, rpc_buckets) {
    for (std::size_t i = 0; i < route_names.size(); ++i)
      by_class[i].emplace(answers, prometheus::Labels{{"route", route_names[i]}}, "code",
                          label_values<4>{"2xx", "3xx", "4xx", "5xx"});
  }

  Counter& answered(std::size_t route, int status) const {
    const auto of = status / 100;
    return (*by_class.at(route))[of >= 2 && of <= 5 ? static_cast<std::size_t>(of - 2) : 3];
  }

  labelled<Gauge, 2> calls;
  labelled<Gauge, 2> held;
  prometheus::Family<Counter>& answers;
  labelled<Histogram, 7> took;
  std::array<std::optional<labelled<Counter, 4>>, route_names.size()> by_class;
};

} // namespace expbuild
