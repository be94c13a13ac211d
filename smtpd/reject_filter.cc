#include "smtpd/reject_filter.h"

#include "lib/base/ascii.h"
#include "lib/log/log.h"

namespace smtpd {
namespace {

constexpr std::size_t code_size = 3;

bool is_refusal(std::string_view text) {
  return text.size() > code_size + 1 && (text[0] == '4' || text[0] == '5') && ascii::is_digit(text[1]) && ascii::is_digit(text[2]) &&
         text[code_size] == ' ';
}

}  // namespace

Result<RejectFilter> RejectFilter::open(maps::Tables& tables, const Params& params) {
  RejectFilter out;
  out.maps_ = TRY(maps::Maps::open(tables, "smtpd_reject_filter_maps", params.smtpd_reject_filter_maps, maps::Flags::fold_keys));
  return out;
}

Reply RejectFilter::applied_to(Reply refusal) const {
  if (maps_.empty()) return refusal;
  const std::string text = refusal.text();
  const auto found = maps_.lookup(text);
  if (!found) {
    maillog::warning("{}", found.error().message());
    return refusal;
  }
  if (!*found) return refusal;
  const std::string& instead = **found;
  if (!is_refusal(instead)) {
    maillog::warning("smtpd_reject_filter_maps: \"{}\" for \"{}\" is no refusal: it is ignored", instead, text);
    return refusal;
  }
  const int code = (instead[0] - '0') * 100 + (instead[1] - '0') * 10 + (instead[2] - '0');
  return {code, instead.substr(code_size + 1)};
}

}  // namespace smtpd
