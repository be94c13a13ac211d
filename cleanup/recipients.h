#pragma once
// Recipients on their way into the envelope: virtual aliases, automatic copies, each written once, with what the sender
// said about notices.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cleanup/addresses.h"
#include "cleanup/duplicates.h"
#include "cleanup/output.h"
#include "cleanup/policy.h"
#include "lib/base/error.h"

namespace cleanup {

// A recipient as the client gave it.
struct GivenRecipient {
  std::string address;      // internal form
  std::string original;     // as first received, when that is another one
  std::string dsn_original; // "rfc822;user@example.com", or empty
  int notify = 0;
};

// A recipient that became others and whose sender asked to hear of success: the notice is due here, since the new
// addresses are no longer the sender's business.
struct Expanded {
  std::string recipient, dsn_original;
  int notify = 0;
};

class Recipients {
 public:
  Recipients(Addresses& addresses, const Policy& policy, Output& output)
      : addresses_(addresses), policy_(policy), output_(output), duplicates_(policy.duplicate_filter_limit) {}

  struct Options {
    bool map;       // look up aliases
    bool smtputf8;  // the message is an internationalized one: the type of a made-up ORCPT
  };
  // Writes the records of one recipient, or of what it stands for. `address` is what canonical mapping has made of the
  // given one. The error is to be logged; the message is deferred.
  [[nodiscard]] Result<void> add(const GivenRecipient& given, const std::string& address, Options options);
  // An automatic copy to a canonical address: no notices, no ORCPT.
  [[nodiscard]] Result<void> add_copy(const std::string& address);

  // One that a milter has added, likewise canonical.
  [[nodiscard]] Result<void> add_by_milter(const std::string& address, const std::string& dsn_original, int notify);

  [[nodiscard]] long count() const { return count_; }
  // All NOTIFY bits that the client gave.
  [[nodiscard]] int notify_seen() const { return notify_seen_; }
  // One of them has other than ASCII.
  [[nodiscard]] bool has_utf8() const { return has_utf8_; }
  [[nodiscard]] std::vector<Expanded> take_expanded() { return std::exchange(expanded_, {}); }

 private:
  void write(const std::string& address, const std::string& original, const std::string& dsn_original, int notify);

  Addresses& addresses_;
  const Policy& policy_;
  Output& output_;
  Duplicates duplicates_;
  std::vector<Expanded> expanded_;
  long count_ = 0;
  int notify_seen_ = 0;
  bool has_utf8_ = false;
};

}  // namespace cleanup
