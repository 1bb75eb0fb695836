#pragma once
#include "services/main/rectl/verbs.hpp"

namespace expbuild::rectl {

/// What most verbs that read do: connects, asks one question, prints the answer (as JSON if that is
/// wanted, else by `print`). The exit code. `doing` says in errors what was being done.
template <class Service, class Stub, class Request, class Answer, class Print>
int ask(const globals& given, std::unique_ptr<Service> client::*service,
        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Answer*),
        const Request& request, const char* doing, Print print,
        std::chrono::seconds patience = std::chrono::seconds(5)) {
  client server(given.connection);
  if (auto status = server.connect(patience); !status.ok())
    return complain(status);
  Answer answer;
  const auto status =
      from_grpc(((*(server.*service)).*method)(server.new_call().get(), request, &answer), doing);
  if (!status.ok())
    return complain(status);
  if (given.json)
    return print_json(answer);
  print(answer);
  return ok;
}

/// The same of the admin service.
template <class Stub, class Request, class Answer, class Print>
int ask_admin(const globals& given,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Answer*),
              const Request& request, const char* doing, Print print) {
  return ask(given, &client::admin, method, request, doing, print);
}

} // namespace expbuild::rectl
