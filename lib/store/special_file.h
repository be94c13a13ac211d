#pragma once
// valija-special-use: what users said their mailboxes are for (CREATE with USE, RFC 6154). A line is
//   <uses, with backslashes, apart by spaces> TAB <name in UTF-8>
// A mailbox that is not in it has the use that mail_special_folders gives its name. It is no cache.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lib/store/location.h"
#include "lib/store/surroundings.h"

namespace store {

class SpecialFile {
 public:
  SpecialFile(const Location& location, const Surroundings& around) : location_(location), around_(around) {}
  using Uses = std::map<std::string, std::uint8_t, std::less<>>;
  [[nodiscard]] Result<Uses> read() const;
  // Reads, lets `edit` change it, and writes when it did, under a lock.
  [[nodiscard]] Result<void> change(const std::function<void(Uses&)>& edit) const;

 private:
  const Location& location_;
  const Surroundings& around_;
};

}  // namespace store
