#pragma once
#include "actors/metrics/families.hpp"
#include "actors/metrics/size_histogram.hpp"

namespace expbuild {

/// Of the CAS: what it holds and how it fares.
struct blob_metrics {
  explicit blob_metrics(prometheus::Registry& all)
      : count(gauge(all, "expbuild_cas_blobs", "Blobs in the store")),
        bytes(gauge(all, "expbuild_cas_size_bytes", "Bytes in the store")),
        disk_bytes(gauge(all, "expbuild_cas_disk_bytes", "What the store takes of its disk")),
        max_bytes(gauge(all, "expbuild_cas_max_bytes", "What the store may take of its disk")),
        promised_bytes(gauge(all, "expbuild_cas_promised_bytes",
                             "Taken by blobs that were promised and can not be evicted now")),
        open_writes(gauge(all, "expbuild_cas_open_writes", "Blobs that are being written")),
        evicted(counter(all, "expbuild_cas_evicted_total", "Blobs that were removed to make room")),
        evicted_bytes(counter(all, "expbuild_cas_evicted_bytes_total",
                              "Bytes of blobs that were removed to make room")),
        last_eviction_age(gauge(all, "expbuild_cas_last_eviction_age_seconds",
                                "For how long nobody had asked for the youngest of the blobs that "
                                "were evicted last; 0: none was")),
        lost(counter(all, "expbuild_cas_lost_total",
                     "Stored blobs that were damaged, vanished, or could not be synced")),
        refused(counter(all, "expbuild_cas_writes_refused_total",
                        "Writes refused because the store was full of promised blobs")),
        troubles(counter(all, "expbuild_store_errors_total",
                         "Errors of a store's disk outside of any request")),
        requests(counters(all, "expbuild_cas_requests_total",
                          "Blobs asked for, by operation and result")),
        found(requests.Add({{"op", "find"}, {"result", "hit"}})),
        missing(requests.Add({{"op", "find"}, {"result", "miss"}})),
        read_hits(requests.Add({{"op", "read"}, {"result", "hit"}})),
        read_misses(requests.Add({{"op", "read"}, {"result", "miss"}})),
        writes_ok(requests.Add({{"op", "write"}, {"result", "ok"}})),
        write_errors(requests.Add({{"op", "write"}, {"result", "error"}})),
        traffic(counters(all, "expbuild_cas_bytes_total",
                         "Bytes of blobs that clients sent and received"),
                {}, "dir", {"in", "out"}) {}

  Gauge& count;
  Gauge& bytes;
  Gauge& disk_bytes;
  Gauge& max_bytes;
  Gauge& promised_bytes;
  Gauge& open_writes;
  Counter& evicted;
  Counter& evicted_bytes;
  Gauge& last_eviction_age;
  Counter& lost;
  Counter& refused;
  Counter& troubles;
  prometheus::Family<Counter>& requests;
  Counter& found;
  Counter& missing;
  Counter& read_hits;
  Counter& read_misses;
  Counter& writes_ok;
  Counter& write_errors;
  labelled<Counter, 2> traffic;
  size_histogram sizes; ///< exposed beside the registry
};

/// Of the action cache.
struct result_metrics {
  explicit result_metrics(prometheus::Registry& all)
      : lookups(counters(all, "expbuild_ac_lookups_total",
                         "Action cache look-ups; incomplete: a result was there, a blob of it was "
                         "not"),
                {}, "result", {"hit", "miss", "incomplete"}),
        written(counter(all, "expbuild_ac_writes_total", "Results written to the action cache")),
        removed(counter(all, "expbuild_ac_removed_total",
                        "Results removed because they were too old or by a purge")) {}

  labelled<Counter, 3> lookups;
  Counter& written;
  Counter& removed;
};

/// Of the filesystems that the stores lie on.
struct disk_metrics {
  explicit disk_metrics(prometheus::Registry& all)
      : total(gauges(all, "expbuild_disk_total_bytes",
                     "Size of the filesystem of a store; 0: it lies in memory"),
              {}, "store", {"cas", "action_cache"}),
        free(gauges(all, "expbuild_disk_free_bytes",
                    "What is free for the server on the filesystem of a store"),
             {}, "store", {"cas", "action_cache"}) {}

  labelled<Gauge, 2> total;
  labelled<Gauge, 2> free;
};

} // namespace expbuild
