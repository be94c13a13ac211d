#include "lib/smtp/reject_footer.h"

#include <array>
#include <ctime>
#include <utility>

#include "lib/base/c_escapes.h"
#include "lib/config/expand.h"
#include "lib/log/log.h"

namespace smtp {
namespace {

constexpr std::string_view goes_on_mark = "\\c";  // at the beginning of a template: no line of its own

// "Nov 24 06:29:20".
std::string local_time(Stamp stamp) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(stamp);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%b %d %H:%M:%S", &local)};
}

}  // namespace

Result<RejectFooter> RejectFooter::open(maps::Tables& tables, Settings settings) {
  RejectFooter footer;
  footer.general_ = std::move(settings.general);
  footer.maps_parameter_ = settings.maps_parameter;
  footer.maps_ = TRY(maps::Maps::open(tables, settings.maps_parameter, settings.maps, maps::Flags::none));
  footer.allowed_ = base::unescape_c(settings.expansion_filter);
  return footer;
}

std::string RejectFooter::template_for(const Reply& refusal) const {
  const std::string key = refusal.text();
  const auto found = maps_.lookup(key);
  if (!found) maillog::warning("{}: {}", maps_parameter_, found.error().message());
  if (!found || !*found) return general_;
  if (!(*found)->empty()) return **found;
  maillog::warning("{} lookup of {} returns an empty string result", maps_parameter_, key);
  maillog::warning("{} should return NO RESULT in case of NOT FOUND", maps_parameter_);
  return general_;
}

Reply RejectFooter::added_to(Reply said, const Reply& refusal, const Macros& macros, Stamp now) const {
  const std::string whole = template_for(refusal);
  if (whole.empty()) return said;
  const bool goes_on = whole.starts_with(goes_on_mark);
  const std::string_view pattern = std::string_view(whole).substr(goes_on ? goes_on_mark.size() : 0);
  const auto lookup = [&](std::string_view name) -> Result<std::optional<std::string>> {
    std::optional<std::string> value = name == "localtime" ? local_time(now) : macros(name);
    if (!value) {
      maillog::warning("unknown macro name \"{}\" in expansion request", name);
      return value;
    }
    for (char& c : *value) {
      if (!allowed_.contains(c)) c = '_';
    }
    return value;
  };
  const auto text = config::expand(pattern, lookup, config::Values::verbatim);
  if (text) return std::move(said).with_footer(*text, goes_on ? Reply::Footer::on_last_line : Reply::Footer::on_new_line);
  maillog::warning("{}", text.error().message());
  return said;
}

}  // namespace smtp
