#include "services/oauthd/json.h"

#include <set>
#include <vector>

namespace oauthd {

Result<Json> parse_object(std::string_view text, std::size_t limit) {
  if (text.size() > limit) return base::fail("JSON that is too long");
  bool is_deep = false, is_double = false;
  std::vector<std::set<std::string>> names;
  // It cannot stop the parser, but what it refuses is thrown away at once: memory is that of the text.
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > json_depth_limit) is_deep = true;
    if (is_deep) return false;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(value.get<std::string>()).second) is_double = true;
    return true;
  };
  Json parsed = Json::parse(text, watch, false);
  if (is_deep) return base::fail("JSON that is nested too deeply");
  if (is_double) return base::fail("JSON with a name twice");
  if (parsed.is_discarded() || !parsed.is_object()) return base::fail("no JSON object");
  return parsed;
}

std::string text_of(const Json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

}  // namespace oauthd
