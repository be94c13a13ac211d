#pragma once
// Dovecot's file of subscriptions: version 2 ("V\t2", an empty line, then a name a line with tabs between its levels), or
// the older form (a name a line, with the separator). Courier's courierimapsubscribed is read when there is none.

#include <string>
#include <string_view>
#include <vector>

#include "lib/store/location.h"
#include "lib/store/surroundings.h"

namespace store {

class Subscriptions {
 public:
  Subscriptions(const Location& location, const Surroundings& around) : location_(location), around_(around) {}
  // In the file's order. Names that could be no mailbox's are left out, but stay in the file.
  [[nodiscard]] Result<std::vector<std::string>> names() const;
  enum class Change : std::uint8_t { add, remove };
  [[nodiscard]] Result<void> change(std::string_view name, Change how) const;

 private:
  const Location& location_;
  const Surroundings& around_;
};

// The pure part.
struct SubscriptionFile {
  bool has_tabs = true;             // version 2
  std::vector<std::string> lines;   // as they are in the file, without the head
  [[nodiscard]] static SubscriptionFile parse(std::string_view text);
  [[nodiscard]] static SubscriptionFile from_courier(std::string_view text, const Location& location);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string line_of(std::string_view name, const Location& location) const;
  [[nodiscard]] std::string name_of(std::string_view line, const Location& location) const;  // empty: no name
};

}  // namespace store
