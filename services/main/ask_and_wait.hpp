#pragma once
#include "actors/reply.hpp"

#include <caf/send.hpp>

#include <chrono>
#include <future>
#include <memory>

namespace expbuild {

/// Asks an actor and waits for its answer, at most so long; true when it answered. For the main
/// thread alone: everybody else has better things to do.
template <class Actor, class Message>
bool ask_and_wait(const Actor& whom, Message message, std::chrono::milliseconds patience) {
  auto answered = std::make_shared<std::promise<void>>();
  auto answer = answered->get_future();
  caf::anon_send(whom, std::move(message),
                 reply<unit>([answered](const absl::StatusOr<unit>&) { answered->set_value(); }));
  return answer.wait_for(patience) == std::future_status::ready;
}

} // namespace expbuild
