#include "services/http_api.hpp"

#include "services/action_details.hpp"
#include "services/action_list.hpp"
#include "services/action_messages.hpp"
#include "services/action_views.hpp"
#include "services/explanation.hpp"
#include "services/http_blob_pages.hpp"
#include "services/http_cache_handler.hpp"
#include "services/http_event_stream.hpp"
#include "services/http_log_stream.hpp"
#include "services/http_query.hpp"
#include "services/http_status.hpp"
#include "services/json.hpp"
#include "services/status_report.hpp"
#include "services/times.hpp"

#include <absl/strings/numbers.h>
#include <caf/send.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace expbuild {

namespace {

constexpr std::chrono::seconds patience{30};

http_page json_page(std::string body) {
  return {.content_type = "application/json",
          .body = std::move(body),
          .more = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
}

http_page error_page(const absl::Status& why) {
  auto page = json_page(nlohmann::json{
      {"error",
       {{"code", absl::StatusCodeToString(why.code())}, {"message", std::string(why.message())}}}}
                            .dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  page.status = http_status_of(why.code());
  return page;
}

http_page download(const char* type, std::string body, const std::string& name) {
  return {.content_type = type,
          .body = std::move(body),
          .more = {{"Content-Disposition", "attachment; filename=\"" + name + "\""},
                   {"Cache-Control", "no-store"},
                   {"X-Content-Type-Options", "nosniff"}}};
}

/// One request: finds what it asks for, answers when that is there.
class api_handler final : public http_handler {
public:
  api_handler(http_exchange& exchange, context_ptr context, const http_api_options& options)
      : http_handler(exchange), context_(std::move(context)), options_(options),
        query_(exchange.target()) {}

private:
  void begin() override {
    exchange().expect_answer_within(patience);
    const auto method = exchange().method();
    if (method == "POST" && what() == "workers")
      return control();
    if (method != "GET" && method != "HEAD")
      return exchange().answer(
          {.status = 405, .body = "only GET and HEAD are answered here\n", .allow = "GET, HEAD"});
    route();
  }

  /// /api/v1/WHAT/NAME
  std::string what() const { return query_.segments().size() > 2 ? query_.segments()[2] : ""; }
  std::string name() const { return query_.from(3); }

  void route() {
    const auto what_it_is = what();
    if (what_it_is == "status")
      return report_status(context_, tell<admin::v1::Status>());
    if (what_it_is == "workers")
      return report_status(context_, back<admin::v1::Status>([this](admin::v1::Status x) {
                             admin::v1::Workers workers;
                             workers.mutable_workers()->Swap(x.mutable_workers());
                             answer(workers);
                           }));
    if (what_it_is == "actors")
      return list_actors(context_, tell<admin::v1::ActorList>());
    if (what_it_is == "actions" && name().empty())
      return list();
    if (what_it_is == "actions")
      return detail_action(context_, name(), tell_or_fail<admin::v1::ActionDetails>());
    if (what_it_is == "explain")
      return explain(context_, name(), tell_or_fail<admin::v1::Explanation>());
    if (what_it_is == "diff")
      return explain_difference(context_, query_.get("a"), query_.get("b"),
                                tell_or_fail<admin::v1::Explanation>());
    if (what_it_is == "trace")
      return trace();
    if (what_it_is == "reproduce")
      return reproduce();
    if (what_it_is == "log")
      return tell_page(log_page(query_));
    if (what_it_is == "features")
      return exchange().answer(json_page(
          nlohmann::json{{"control", options_.control}, {"version", context_->version}}.dump()));
    if (is_blob_page(what_it_is))
      return make_blob_page(context_, what_it_is, query_,
                            back<absl::StatusOr<http_page>>(
                                [this](absl::StatusOr<http_page> x) { tell_page(std::move(x)); }));
    fail(absl::NotFoundError("there is nothing at " + query_.from(0).substr(0, 200)
                             + "; docs/http-api.md lists what there is"));
  }

  void list() {
    admin::v1::ListActionsRequest request;
    request.set_filter(query_.get("filter"));
    request.set_page_token(query_.get("page_token"));
    std::int32_t size = 0;
    if (absl::SimpleAtoi(query_.get("page_size"), &size))
      request.set_page_size(size);
    list_all_actions(context_, request, tell_or_fail<admin::v1::ActionList>());
  }

  void trace() {
    using found = absl::StatusOr<recorded_trace>;
    caf::anon_send(context_->recorder, trace_of{.trace = {}, .query = name()},
                   reply<recorded_trace>(back<found>([this](const found& x) {
                     if (!x.ok())
                       return fail(x.status());
                     const auto told = describe(*x);
                     if (query_.get("format") != "chrome")
                       return answer(told);
                     exchange().answer(
                         download("application/json", chrome_trace(told),
                                  "trace-" + x->action->action.hash().substr(0, 16) + ".json"));
                   })));
  }

  void reproduce() {
    using found = absl::StatusOr<admin::v1::ActionDetails>;
    detail_action(context_, name(), back<found>([this](const found& x) {
                    if (!x.ok())
                      return fail(x.status());
                    exchange().answer(download("text/x-shellscript; charset=utf-8",
                                               reproduce_script(*x, options_.grpc_address),
                                               "reproduce.sh"));
                  }));
  }

  /// POST /api/v1/workers/NAME/VERB. Only with a header that no form and no foreign page can send.
  void control() {
    if (!options_.control)
      return fail(absl::PermissionDeniedError("workers can not be controlled from here unless "
                                              "[http] control = true; rectl can"));
    if (exchange().header("X-Expbuild-Control") != "1")
      return fail(absl::PermissionDeniedError("the header X-Expbuild-Control: 1 is missing"));
    using request_type = admin::v1::ControlWorkersRequest;
    request_type request;
    const auto verb = query_.from(4);
    request.add_workers(query_.segments().size() > 3 ? query_.segments()[3] : std::string());
    request.set_verb(verb == "drain"     ? request_type::DRAIN
                     : verb == "undrain" ? request_type::UNDRAIN
                     : verb == "restart" ? request_type::RESTART
                                         : request_type::UNKNOWN);
    control_workers(context_, request, tell_or_fail<admin::v1::ControlWorkersResponse>());
  }

  // ---- answers ----

  template <class Message>
  std::function<void(Message)> tell() {
    return back<Message>([this](const Message& x) { answer(x); });
  }

  template <class Message>
  std::function<void(absl::StatusOr<Message>)> tell_or_fail() {
    using result = absl::StatusOr<Message>;
    return back<result>([this](const result& x) { x.ok() ? answer(*x) : fail(x.status()); });
  }

  void tell_page(absl::StatusOr<http_page> x) {
    x.ok() ? exchange().answer(*std::move(x)) : fail(x.status());
  }
  void answer(const google::protobuf::Message& x) { exchange().answer(json_page(to_json(x))); }
  void fail(const absl::Status& why) { exchange().answer(error_page(why)); }

  const context_ptr context_;
  const http_api_options options_;
  const http_query query_;
};

admin::v1::WatchRequest watch_request(const http_query& query) {
  admin::v1::WatchRequest request;
  request.set_actions(query.get("actions") == "1");
  request.set_workers(query.get("workers") == "1");
  auto every = query.get("status_every");
  double seconds = 0;
  if (every.ends_with("s"))
    every.pop_back();
  if (!absl::SimpleAtod(every, &seconds) || seconds <= 0 || seconds > 1e6)
    return request;
  const auto ns = static_cast<std::uint64_t>(seconds * 1e9);
  set_duration(*request.mutable_status_every(), ns);
  return request;
}

} // namespace

bool is_local_host(std::string_view host) {
  if (host.empty())
    return true; // HTTP/1.0: no browser
  if (host.starts_with("["))
    return host.starts_with("[::1]");
  const auto name = host.substr(0, host.rfind(':'));
  const auto is_of_an_address = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  return name == "localhost" || name.ends_with(".localhost")
         || (name.starts_with("127.") && std::all_of(name.begin(), name.end(), is_of_an_address));
}

std::shared_ptr<http_handler> http_api::refuse_foreign(http_exchange& exchange) const {
  if (!options_.local_names_only || is_local_host(exchange.header("Host")))
    return nullptr;
  return make_refusal(exchange, error_page(absl::PermissionDeniedError(
                                    "this endpoint is used by its address or localhost")));
}

std::shared_ptr<http_handler> http_api::handler_for(http_exchange& exchange) const {
  const http_query query(exchange.target());
  const auto& path = query.segments();
  if (path.size() < 2 || path[0] != "api" || path[1] != "v1")
    return nullptr;
  if (path.size() == 3 && path[2] == "watch" && exchange.method() == "GET")
    return make_event_stream(exchange, context_, watch_request(query));
  if (path.size() == 3 && path[2] == "log" && exchange.method() == "GET")
    if (auto stream = make_http_log_stream(exchange, query))
      return stream;
  return std::make_shared<api_handler>(exchange, context_, options_);
}

} // namespace expbuild
