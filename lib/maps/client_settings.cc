#include "lib/maps/client_settings.h"

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/main_cf.h"
#include "lib/io/file.h"
#include "lib/log/log.h"

namespace maps {
namespace {

constexpr std::size_t file_limit = 1024 * 1024;   // bytes
constexpr int number_limit = 2'000'000'000;

}  // namespace

Result<std::unique_ptr<ClientSettings>> ClientSettings::read(const OpenRequest& request) {
  auto settings = std::make_unique<ClientSettings>();
  settings->source_ = request.name;
  settings->is_file_ = is_file(request.name);
  if (!settings->is_file_) {
    settings->main_setting_ = request.tables.options().main_setting;
    return settings;
  }
  request.tables.reads_file(settings->source_, Rereads::never);
  const std::string text = TRY(io::read_file(settings->source_, file_limit));
  for (config::Entry& entry : TRY(config::parse_main_cf(text, settings->source_))) {
    const auto [place, is_new] = settings->values_.try_emplace(entry.name, entry.value);
    if (is_new) continue;
    maillog::warning("{}, line {}: overriding earlier entry: {}={}", settings->source_, entry.line, entry.name, place->second);
    place->second = std::move(entry.value);
  }
  return settings;
}

Result<std::optional<std::string>> ClientSettings::find(std::string_view name) const {
  if (is_file_) {
    const auto found = values_.find(name);
    return found != values_.end() ? std::optional(found->second) : std::nullopt;
  }
  if (!main_setting_) return std::optional<std::string>{};
  return main_setting_(fmt::format("{}_{}", source_, name));
}

base::Failure ClientSettings::bad(std::string_view what, std::string_view name, std::string_view value) const {
  if (is_file_) return base::fail(fmt::format("{}: {}: {} = {}", source_, what, name, value));
  return base::fail(fmt::format("{}: {}_{} = {}", what, source_, name, value));
}

Result<std::string> ClientSettings::string(std::string_view name, std::string_view fallback) const {
  return TRY(find(name)).value_or(std::string(fallback));
}

Result<std::string> ClientSettings::needed(std::string_view name, std::string_view fallback) const {
  std::string value = TRY(string(name, fallback));
  if (value.empty()) return bad("bad string length 0 < 1", name, value);
  return value;
}

Result<bool> ClientSettings::boolean(std::string_view name, bool fallback) const {
  const auto value = TRY(find(name));
  if (!value) return fallback;
  if (ascii::equal_ignoring_case(*value, "yes")) return true;
  if (ascii::equal_ignoring_case(*value, "no")) return false;
  return bad("bad boolean configuration", name, *value);
}

Result<int> ClientSettings::integer(std::string_view name, int fallback, int least) const {
  const auto value = TRY(find(name));
  if (!value) return fallback;
  const bool is_negative = value->starts_with('-');
  const auto size = ascii::parse_number(std::string_view(*value).substr(is_negative ? 1 : 0), number_limit);
  if (!size) return bad("bad numerical configuration", name, *value);
  const int number = is_negative ? -static_cast<int>(*size) : static_cast<int>(*size);
  if (number < least) {
    return base::fail(is_file_ ? fmt::format("{}: invalid {} parameter value {} < {}", source_, name, number, least)
                               : fmt::format("invalid {}_{} parameter value {} < {}", source_, name, number, least));
  }
  return number;
}

}  // namespace maps
