#include "smtp/generic.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"
#include "lib/mail/header_addresses.h"

namespace smtp {

bool GenericMaps::is_local_domain(std::string_view domain) const {
  return ascii::equal_ignoring_case(domain, options_.myorigin) || local_domains_.matches(domain).value_or(false);
}

Result<std::string> GenericMaps::map(const std::string& internal) const {
  if (maps_.empty() || internal.empty()) return internal;
  const maps::AddressSearch search{
      .delimiters = options_.delimiters,
      .is_local_domain = [](const void* self, std::string_view domain) {
        return static_cast<const GenericMaps*>(self)->is_local_domain(domain);
      },
      .context = this};
  std::string extension;
  const maps::Found found = TRY(maps::find_address(maps_, internal, search, &extension));
  if (!found) return internal;
  if (!options_.propagates) extension.clear();
  auto results = TRY(mail::mapped_addresses(*found, internal, extension, options_.header_address_token_limit, complete_));
  if (results.empty()) {
    return base::fail(fmt::format("smtp_generic_maps lookup of {} returns non-address result \"{}\"", internal, *found));
  }
  if (results.size() > 1) maillog::warning("multi-valued smtp_generic_maps result for {}", internal);
  return std::move(results.front());
}

void GenericHeader::write(std::string_view piece, bool ends_line, std::vector<Line>& out) {
  if (!header_.is_open()) {
    out.push_back({std::string(piece), ends_line});
    return;
  }
  out_ = &out;
  header_.take(piece, ends_line);
}

void GenericHeader::finish(std::vector<Line>& out) {
  out_ = &out;
  if (header_.is_open()) header_.finish();
}

// The whole field, with what its addresses become.
Result<std::string> GenericHeader::mapped(std::string_view text) const {
  const auto parsed = mail::split_header(text);
  const mail::HeaderInfo* const info = parsed ? mail::find_header(parsed->name) : nullptr;
  if (info == nullptr || info->cls == mail::HeaderClass::other) return std::string(text);
  auto list = mail::HeaderAddresses::parse(parsed->value, maps_.options().header_address_token_limit);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string internal = mail::to_internal(list[i]);
    const std::string generic = TRY(maps_.map(internal));
    if (generic != internal) list.replace(i, mail::to_external(generic));
  }
  if (!list.changed()) return std::string(text);
  return fmt::format("{}:{}", parsed->name, list.text(parsed->name.size() + 1));
}

void GenericHeader::field(std::string_view text) {
  if (failure_) return;
  auto whole = mapped(text);
  if (!whole) {
    failure_ = std::move(whole).error();
    return;
  }
  for (std::size_t start = 0; start <= whole->size();) {
    const std::size_t end = std::min(whole->find('\n', start), whole->size());
    out_->push_back({whole->substr(start, end - start), true});
    start = end + 1;
  }
}

void GenericHeader::end_of_header(mail::HeaderBlock::End end, std::string_view line, bool is_whole) {
  switch (end) {
    case mail::HeaderBlock::End::content: return;
    case mail::HeaderBlock::End::empty_line: out_->push_back({"", true}); return;
    case mail::HeaderBlock::End::text: out_->push_back({std::string(line), is_whole}); return;
  }
}

}  // namespace smtp
