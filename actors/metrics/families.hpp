#pragma once
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <chrono>
#include <cstddef>

/// Small words over the metrics library, for the files of this folder alone.

namespace expbuild {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

inline double seconds(std::chrono::nanoseconds x) {
  return std::chrono::duration<double>(x).count();
}

template <class Enum>
std::size_t index(Enum x) {
  return static_cast<std::size_t>(x);
}

inline prometheus::Family<Counter>& counters(prometheus::Registry& in, const char* name,
                                             const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(in);
}

inline prometheus::Family<Gauge>& gauges(prometheus::Registry& in, const char* name,
                                         const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(in);
}

inline prometheus::Family<Histogram>& histograms(prometheus::Registry& in, const char* name,
                                                 const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(in);
}

inline Counter& counter(prometheus::Registry& in, const char* name, const char* help) {
  return counters(in, name, help).Add({});
}

inline Gauge& gauge(prometheus::Registry& in, const char* name, const char* help) {
  return gauges(in, name, help).Add({});
}

template <std::size_t N>
using label_values = std::array<const char*, N>;

/// The same metric once per value of a label: all of them are there, at 0, from the start, so that
/// a rate over the first event is seen.
template <class Metric, std::size_t N>
class labelled {
public:
  /// `more`: what the library's Add wants beside the labels.
  template <class... More>
  labelled(prometheus::Family<Metric>& family, prometheus::Labels labels, const char* label,
           const label_values<N>& values, const More&... more) {
    for (std::size_t i = 0; i < N; ++i) {
      labels[label] = values[i];
      each_[i] = &family.Add(labels, more...);
    }
  }
  Metric& operator[](std::size_t i) const { return *each_.at(i); }

private:
  std::array<Metric*, N> each_{};
};

// 1 ms to 1 h, 0.5 ms to 30 s, 1 MiB to 64 GiB.
inline const Histogram::BucketBoundaries stage_buckets{.001, .003, .01, .03, .1,  .3,  1,    3,
                                                       10,   30,   60,  120, 300, 900, 1800, 3600};
inline const Histogram::BucketBoundaries rpc_buckets{.0005, .001, .0025, .005, .01, .025, .05, .1,
                                                     .25,   .5,   1,     2.5,  5,   10,   30};
inline const Histogram::BucketBoundaries memory_buckets{
    1048576.,    4194304.,    16777216.,    67108864.,    268435456.,
    1073741824., 4294967296., 17179869184., 68719476736.,
};

} // namespace expbuild
