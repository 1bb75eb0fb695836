#include "config/table_reader.hpp"

#include <algorithm>

namespace expbuild {

namespace {

using severity = config_problem::severity;

/// Levenshtein distance.
std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

} // namespace

std::string nearest(const std::string& word, const std::set<std::string>& known) {
  std::string best;
  std::size_t least = 3;
  for (const auto& candidate : known)
    if (const auto n = edits(word, candidate); n < least) {
      least = n;
      best = candidate;
    }
  return best;
}

table_reader::table_reader(reading& context, const toml::table* table, std::string name)
    : context_(context), table_(table), name_(std::move(name)) {}

table_reader::~table_reader() {
  if (table_ == nullptr)
    return;
  for (const auto& [key, value] : *table_) {
    const std::string text(key.str());
    if (asked_.contains(text))
      continue;
    const auto hint = nearest(text, asked_);
    report(severity::error, key.source(),
           (name_.empty() ? "unknown table '" + text + "'"
                          : "unknown key '" + text + "' in [" + name_ + "]")
               + (hint.empty() ? "" : " (did you mean '" + hint + "'?)"));
  }
}

bool table_reader::has(const std::string& key) const {
  return table_ != nullptr && table_->contains(key);
}

const toml::node* table_reader::take(const std::string& key) {
  asked_.insert(key);
  context_.known.push_back(name_.empty() ? key : name_ + "." + key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

void table_reader::read(const std::string& key, std::string& into) {
  if (const auto* node = take(key); node != nullptr && node->is_string())
    into = node->as_string()->get();
  else if (node != nullptr)
    wrong_type(key, "a string");
}

void table_reader::read(const std::string& key, bool& into) {
  if (const auto* node = take(key); node != nullptr && node->is_boolean())
    into = node->as_boolean()->get();
  else if (node != nullptr)
    wrong_type(key, "true or false");
}

void table_reader::read(const std::string& key, std::vector<std::string>& into) {
  const auto* node = take(key);
  if (node == nullptr)
    return;
  const auto* array = node->as_array();
  if (array == nullptr
      || !std::all_of(array->begin(), array->end(), [](const auto& x) { return x.is_string(); }))
    return wrong_type(key, "a list of strings");
  into.clear();
  for (const auto& each : *array)
    into.push_back(each.as_string()->get());
}

std::int64_t table_reader::read_integer(const std::string& key, std::int64_t otherwise,
                                        std::int64_t least, std::int64_t most) {
  const auto* node = take(key);
  if (node == nullptr)
    return otherwise;
  if (!node->is_integer()) {
    wrong_type(key, "an integer");
    return otherwise;
  }
  const auto value = node->as_integer()->get();
  if (value >= least && value <= most)
    return value;
  error(key, "'" + key + "' is " + std::to_string(value) + "; it must be at least "
                 + std::to_string(least)
                 + (most == std::numeric_limits<std::int64_t>::max()
                        ? ""
                        : " and at most " + std::to_string(most)));
  return otherwise;
}

double table_reader::read_number(const std::string& key, double otherwise, double least) {
  const auto* node = take(key);
  if (node == nullptr)
    return otherwise;
  const auto value = node->value<double>();
  if (!value) {
    wrong_type(key, "a number");
    return otherwise;
  }
  if (*value >= least && *value < 1e9)
    return *value;
  error(key, "'" + key + "' must be a number from " + std::to_string(least) + " on");
  return otherwise;
}

const toml::table* table_reader::read_table(const std::string& key) {
  const auto* node = take(key);
  context_.known.pop_back(); // a section is no key
  if (node != nullptr && !node->is_table())
    wrong_type(key, "a table");
  return node == nullptr ? nullptr : node->as_table();
}

std::vector<const toml::table*> table_reader::read_tables(const std::string& key) {
  std::vector<const toml::table*> tables;
  const auto* node = take(key);
  context_.known.pop_back();
  if (node == nullptr)
    return tables;
  const auto* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
    wrong_type(key, "an array of tables ([[...]])");
    return tables;
  }
  for (const auto& each : *array)
    tables.push_back(each.as_table());
  return tables;
}

void table_reader::error(const std::string& key, const std::string& message) {
  report_at(severity::error, key, message);
}

void table_reader::warning(const std::string& key, const std::string& message) {
  report_at(severity::warning, key, message);
}

void table_reader::wrong_type(const std::string& key, const char* wanted) {
  error(key, "'" + key + "' must be " + wanted);
}

void table_reader::report_at(severity how_bad, const std::string& key, const std::string& message) {
  const auto* node = table_ == nullptr ? nullptr : table_->get(key);
  if (node != nullptr)
    report(how_bad, node->source(), message);
  else if (table_ != nullptr)
    report(how_bad, table_->source(), message);
  else
    report(how_bad, {}, message);
}

void table_reader::report(severity how_bad, const toml::source_region& where,
                          const std::string& message) {
  context_.problems->push_back(
      {how_bad, context_.file, where.begin.line, where.begin.column, message});
}

} // namespace expbuild
