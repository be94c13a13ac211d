#include "lib/imap/mailbox_name.h"

#include <algorithm>

#include "lib/base/ascii.h"
#include "lib/base/utf8.h"
#include "lib/mail/modified_utf7.h"

namespace imap {

std::optional<std::string> decode_mailbox_name(std::string_view text, NameCoding coding) {
  if (text.empty() || text.size() > mailbox_name_size_max) return std::nullopt;
  std::optional<std::string> name;
  if (coding == NameCoding::utf7) name = mail::decode_modified_utf7(text);
  else if (base::is_utf8(text)) name = text;
  if (!name || std::ranges::any_of(*name, ascii::is_control)) return std::nullopt;
  if (ascii::equal_ignoring_case(*name, "INBOX")) name = "INBOX";
  return name;
}

std::string encode_mailbox_name(std::string_view name, NameCoding coding) {
  return coding == NameCoding::utf7 ? mail::encode_modified_utf7(name) : std::string(name);
}

}  // namespace imap
