// How tables of addresses and domains are asked with parts of a name: ADDRESS_REWRITING's search orders.

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/maps/table.h"

namespace maps {
namespace {

// Keys are asked as they are written in tables, quoted where the grammar demands it, and where that is another text also
// without the quotes, as tables of older versions have them.
class Searcher {
 public:
  Searcher(const Maps& maps, std::string_view domain) : maps_(maps), domain_(domain) {}

  // "local@domain". The first question goes to all tables, the following ones to those with fixed keys.
  Result<Found> ask_address(std::string_view local) { return ask_both(local, true); }
  Result<Found> ask_local(std::string_view local) { return ask_both(local, false); }
  Result<Found> ask(std::string_view key) {
    if (std::exchange(whole_, false)) return maps_.lookup(key);
    return maps_.lookup_partial(key);
  }

 private:
  Result<Found> ask_both(std::string_view local, bool with_domain) {
    const std::string suffix = with_domain ? "@" + std::string(domain_) : std::string();
    const std::string quoted = mail::quote_local(local);
    const bool first = whole_;
    Found found = TRY(ask(quoted + suffix));
    if (!found && quoted != local) {
      whole_ = first;
      found = TRY(ask(std::string(local) + suffix));
    }
    return found;
  }

  const Maps& maps_;
  std::string_view domain_;
  bool whole_ = true;  // nothing has been asked yet
};

}  // namespace

Result<Found> find_address(const Maps& maps, std::string_view internal_address, const AddressSearch& search,
                           std::string* unmatched_extension) {
  if (unmatched_extension != nullptr) unmatched_extension->clear();
  if (maps.empty() || internal_address.empty()) return Found{};
  const mail::AddressParts address = mail::split(internal_address);
  const mail::LocalParts local = mail::split_extension(address.local, search.delimiters);
  // The delimiter belongs to the extension that was not matched: "+ext".
  const std::string_view extension = local.has_extension ? address.local.substr(local.user.size()) : std::string_view{};
  const bool is_local = !address.has_domain ||
                        (search.is_local_domain != nullptr && search.is_local_domain(search.context, address.domain));
  Searcher searcher(maps, address.domain);
  Found found;
  const auto without_extension = [&] {
    if (found && unmatched_extension != nullptr) *unmatched_extension = extension;
    return found;
  };
  if (address.has_domain) {
    found = TRY(searcher.ask_address(address.local));
    if (found) return found;
    if (local.has_extension) {
      found = TRY(searcher.ask_address(local.user));
      if (found) return without_extension();
    }
  }
  if (is_local) {
    found = TRY(searcher.ask_local(address.local));
    if (found) return found;
    if (local.has_extension) {
      found = TRY(searcher.ask_local(local.user));
      if (found) return without_extension();
    }
  }
  if (address.has_domain && search.with_at_domain) {
    // Whoever is meant by this entry, the extension does not belong to him.
    found = TRY(searcher.ask("@" + std::string(address.domain)));
  }
  return found;
}

Result<Found> find_domain(const Maps& maps, std::string_view domain, bool parents_match) {
  if (maps.empty()) return Found{};
  Found found = TRY(maps.lookup_partial(domain));
  // An address literal has no parents.
  if (domain.starts_with('[')) return found;
  for (std::size_t dot = domain.find('.', 1); !found && dot != std::string_view::npos; dot = domain.find('.', dot + 1)) {
    const std::string_view parent = domain.substr(parents_match ? dot + 1 : dot);
    if (parent.empty()) break;
    found = TRY(maps.lookup_partial(parent));
  }
  return found;
}

}  // namespace maps
