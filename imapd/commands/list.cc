#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "imapd/commands.h"
#include "imapd/list_response.h"
#include "imapd/session.h"
#include "imapd/status_response.h"
#include "lib/imap/list_arguments.h"
#include "lib/imap/list_pattern.h"
#include "lib/mail/modified_utf7.h"

namespace imapd {
namespace {

// The names that have something subscribed below them.
std::unordered_set<std::string> parents_of_subscribed(const std::vector<Told>& all, char separator) {
  std::unordered_set<std::string> out;
  for (const Told& told : all) {
    if (!told.listed.subscribed) continue;
    for (std::size_t end = told.name.rfind(separator); end != std::string::npos && end > 0; end = told.name.rfind(separator, end - 1)) {
      out.insert(told.name.substr(0, end));
    }
  }
  return out;
}

}  // namespace

// LIST (RFC 9051 section 6.3.9) and LSUB (RFC 3501 section 6.3.9).
Reply list(Session& session, imap::Values arguments) {
  const auto wanted = imap::ListArguments::parse(arguments);
  if (!wanted) return bad_arguments(session, wanted.error().message());
  const std::string command = session.command().name;
  const bool is_lsub = command == "LSUB";
  const char separator = session.names().separator();
  const std::string done = is_lsub ? "Lsub completed." : "List completed.";
  if (!wanted->is_extended && wanted->patterns.size() == 1 && wanted->patterns.front().empty()) {
    // What the separator is, and where the reference's tree begins.
    std::string out;
    const std::array<std::string_view, 1> attributes{"\\Noselect"};
    const std::size_t end = wanted->reference.find(separator);
    imap::append_list(out, command, attributes, separator, end == std::string::npos ? "" : wanted->reference.substr(0, end + 1));
    session.write(out + "\r\n");
    return ok(done);
  }
  const bool only_subscribed = is_lsub || wanted->select.subscribed;
  auto all = all_told(session, only_subscribed);
  if (!all) return session.failed(all.error());
  std::vector<imap::ListPattern> patterns;
  for (const std::string& pattern : wanted->patterns) {
    const std::string whole = wanted->reference + pattern;
    const auto decoded = session.coding() == imap::NameCoding::utf7 ? mail::decode_modified_utf7(whole) : std::optional(whole);
    patterns.emplace_back(decoded.value_or(whole), separator);
  }
  const auto parents = only_subscribed ? parents_of_subscribed(*all, separator) : std::unordered_set<std::string>();
  std::string out;
  for (Told& told : *all) {
    const auto matches = [&](const imap::ListPattern& pattern) { return imap::matches_name(pattern.match(told.name)); };
    if (std::ranges::none_of(patterns, matches)) continue;
    const bool is_chosen = (!only_subscribed || told.listed.subscribed) && (!wanted->select.special_use || told.listed.special != 0);
    if (only_subscribed && (wanted->select.recursive_match || (is_lsub && !is_chosen))) {
      const bool has_subscribed_child = parents.contains(told.name);
      told.child_subscribed = has_subscribed_child && !is_lsub;
      // LSUB shows a parent that "%" stops at although only children are subscribed.
      if (is_lsub && has_subscribed_child && std::ranges::none_of(patterns, [&](const imap::ListPattern& pattern) {
            return imap::matches_below(pattern.match(told.name));
          })) {
        append_told(out, session, told, *wanted, command);
        continue;
      }
    }
    if (!is_chosen && !told.child_subscribed) continue;
    append_told(out, session, told, *wanted, command);
    if (wanted->returned.status.bits != 0 && told.exists && told.listed.selectable) {
      // One that cannot be looked at says nothing (RFC 5819 section 2).
      if (const auto status = append_status_of(out, session, told.listed.name, wanted->returned.status); !status) {
        static_cast<void>(session.failed(status.error()));
      }
    }
  }
  session.write(out);
  return ok(done);
}

}  // namespace imapd
