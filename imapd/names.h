#pragma once
// Names of mailboxes as the client knows them: with the namespace's prefix and separator, in his coding; and as the store does.

#include <optional>
#include <string>
#include <string_view>

#include "lib/imap/mailbox_name.h"

namespace imapd {

class Names {
 public:
  // The client's prefix and separator, and the store's own separator.
  Names(std::string prefix, char separator, char store_separator)
      : prefix_(std::move(prefix)), separator_(separator), store_separator_(store_separator) {}

  [[nodiscard]] char separator() const { return separator_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }

  // The store's name; none for what is no name, or lies in no namespace of ours.
  [[nodiscard]] std::optional<std::string> to_store(std::string_view written, imap::NameCoding coding) const;
  // UTF-8, for patterns; encode_mailbox_name() comes after it.
  [[nodiscard]] std::string from_store(std::string_view name) const;

 private:
  std::string prefix_;
  char separator_, store_separator_;
};

}  // namespace imapd
