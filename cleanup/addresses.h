#pragma once
// What the steps must ask others: the canonical form of an address, and what tables say of it. The daemon's answers come
// from trivial-rewrite and the tables (the fiber may park in a call); tests have their own.

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/error.h"

namespace cleanup {

// Which of trivial-rewrite's rules completes an address.
enum class Context { local, remote };

// The tables that cleanup asks about an address.
enum class AddressTable {
  virtual_alias,
  canonical,
  sender_canonical,
  recipient_canonical,
  sender_bcc,
  recipient_bcc,
};
inline constexpr std::size_t address_tables = 6;
[[nodiscard]] std::string_view parameter_name(AddressTable table);

// What a table says of an address.
struct Alias {
  std::string text;       // addresses as in a header, separated by commas
  std::string extension;  // of the address that was asked, with its delimiter, when only the rest of it was found
};

class Addresses {
 public:
  Addresses() = default;
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  virtual ~Addresses() = default;

  // External form in, external form out. An error means: try again later.
  [[nodiscard]] virtual Result<std::string> rewrite(Context context, const std::string& external) = 0;

  // None: the table says nothing. An error means that nobody knows.
  [[nodiscard]] virtual Result<std::optional<Alias>> lookup(AddressTable table, const std::string& internal) = 0;

  // A local part that masquerade_exceptions names.
  [[nodiscard]] virtual Result<bool> is_masquerade_exception(const std::string& local) = 0;
};

// The same for an address in internal form, which is how the envelope has it. Envelope addresses are always completed
// by the local rule: they name mailboxes as this machine sees them, whoever sent the message.
[[nodiscard]] Result<std::string> rewrite_internal(Addresses& addresses, const std::string& internal);

}  // namespace cleanup
