#pragma once
// What was worked out of a message's text, as the mailbox's cache keeps it for the next session.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/store/mailbox.h"

namespace imapd {

class KeptTexts {
 public:
  enum class Kind : std::uint8_t { sort_fields, envelope, body, structure, preview };
  static constexpr std::size_t kinds = 5;

  // What the cache has.
  KeptTexts(store::Mailbox& mailbox, store::Uid uid);
  KeptTexts(const KeptTexts&) = delete;
  KeptTexts& operator=(const KeptTexts&) = delete;

  // None: not known. Lives as long as this, and until set().
  [[nodiscard]] const std::optional<std::string_view>& find(Kind kind) const;
  void set(Kind kind, std::string text);
  // To the cache, if something is new; what is too long for it is left out.
  void save();

 private:
  store::Mailbox& mailbox_;
  store::Uid uid_;
  std::string kept_;                                           // as the cache has it
  std::array<std::string, kinds> set_;                         // what is new
  std::array<std::optional<std::string_view>, kinds> texts_;   // by kind, in these
  bool is_changed_ = false;
};

// The fields of a message that SORT and THREAD look at (message::sort_fields): from the cache, or from the message, and then the cache
// has them.
[[nodiscard]] Result<std::string> kept_sort_fields(store::Mailbox& mailbox, store::Uid uid);

}  // namespace imapd
