#include "lib/store/quota_books.h"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "lib/store/folder.h"

namespace store {
namespace {

constexpr std::size_t size_file_max = 64 * 1024;   // what others have let grow

// The directory that is open, whatever its name leads to by now.
std::string path_of(const Fd& root) { return fmt::format("/proc/self/fd/{}", root.get()); }

// The limit in the first line of maildirsize, whoever wrote it there.
QuotaLimit kept_limit(const Fd& root) {
  const auto text = read_in(root, "maildirsize", size_file_max);
  const auto limit = text && *text ? QuotaLimit::parse((*text)->substr(0, (*text)->find('\n'))) : Result<QuotaLimit>(QuotaLimit{});
  return limit.value_or(QuotaLimit{});
}

Result<QuotaLimit> limit_of(const Fd& root, std::string_view text) {
  if (text.empty() && root) return kept_limit(root);
  return QuotaLimit::parse(text);
}

Result<void> check(const Fd& root, std::string_view text, std::int64_t bytes) {
  const QuotaLimit limit = TRY(limit_of(root, text));
  if (root) return Quota(path_of(root), limit).check(bytes, 1);
  if (limit.bytes > 0 && bytes > limit.bytes) return base::Failure(base::Error::system("quota", EDQUOT));
  return {};
}

Result<void> note(const Fd& root, std::string_view text, std::int64_t bytes) { return Quota(path_of(root), TRY(limit_of(root, text))).note(bytes, 1); }

}  // namespace

const mailbox::QuotaBooks quota_books{.check = &check, .note = &note};

Result<QuotaRules> QuotaRules::open(maps::Tables& tables, std::string_view mail_quota, std::string_view mail_quota_maps, mail::Delimiters delimiters) {
  QuotaRules rules;
  if (auto limit = QuotaLimit::parse(mail_quota); !limit) return base::Failure(std::move(limit).error().within("mail_quota"));
  rules.limit_ = mail_quota;
  rules.maps_ = TRY(maps::Maps::open(tables, "mail_quota_maps", mail_quota_maps, maps::Flags::fold_keys | maps::Flags::no_anybody));
  rules.delimiters_ = std::move(delimiters);
  return rules;
}

Result<std::string> QuotaRules::of(std::string_view user, std::string_view rule) const {
  if (!rule.empty()) {
    if (auto limit = QuotaLimit::parse(rule); !limit) return base::Failure(std::move(limit).error().within("quota_rule"));
    return std::string(rule);
  }
  maps::AddressSearch search;
  search.delimiters = delimiters_;
  const auto found = TRY(maps::find_address(maps_, user, search, nullptr));
  if (!found) return limit_;
  if (auto limit = QuotaLimit::parse(*found); !limit) return base::Failure(std::move(limit).error().within("mail_quota_maps"));
  return found->empty() ? "0" : *found;
}

}  // namespace store
