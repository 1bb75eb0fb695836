#include "services/json.hpp"

#include <google/protobuf/util/json_util.h>

namespace expbuild {

std::string to_json(const google::protobuf::Message& x, json_form form) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.add_whitespace = form == json_form::for_people;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(x, &text, options).ok())
    return "{}";
  return text;
}

} // namespace expbuild
