#include "actors/audience.hpp"

namespace expbuild {

void audience::add(const std::string& operation, const inline_request& inlined) {
  names_[operation].inlined = inlined;
}

void audience::join(const std::string& operation, std::uint64_t listener,
                    const operation_sink& sink) {
  if (names_[operation].streams.emplace(listener, sink).second)
    ++streams_;
  alone_since_.reset();
}

void audience::leave(std::uint64_t listener) {
  std::size_t gone = 0;
  for (auto& [operation, x] : names_)
    gone += x.streams.erase(listener);
  have_left(gone);
}

void audience::have_left(std::size_t streams) {
  streams_ -= streams;
  if (streams_ == 0 && !alone_since_)
    alone_since_ = beats_;
}

/// The beat during which the last stream left is no whole one.
std::optional<std::uint64_t> audience::beat() {
  ++beats_;
  if (!alone_since_)
    return std::nullopt;
  return beats_ - *alone_since_ - 1;
}

operation_state audience::seen_as(const std::string& operation, operation_state x) const {
  x.name = operation;
  x.inlined = names_.at(operation).inlined;
  return x;
}

void audience::tell(const operation_state& x) const {
  for (const auto& [operation, listening] : names_)
    for (const auto& [listener, sink] : listening.streams)
      sink.update(seen_as(operation, x));
}

bool audience::conclude(const operation_state& last) {
  if (const auto found = names_.find(last.name); found != names_.end()) {
    for (const auto& [listener, sink] : found->second.streams)
      sink.conclude(last);
    have_left(found->second.streams.size());
    names_.erase(found);
  }
  return unwanted_.erase(last.name) == 0;
}

} // namespace expbuild
