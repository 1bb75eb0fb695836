#pragma once
#include <google/protobuf/message.h>

#include <string>

namespace expbuild {

enum class json_form { one_line, for_people };

/// Protobuf's JSON mapping, with fields that have their default value.
std::string to_json(const google::protobuf::Message& x, json_form form = json_form::for_people);

} // namespace expbuild
