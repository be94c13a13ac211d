#include "imapd/kept_texts.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "lib/message/sort_keys.h"

namespace imapd {
namespace {

// Before each text.
struct Head {
  std::uint32_t kind = 0;
  std::uint32_t size = 0;
};

}  // namespace

KeptTexts::KeptTexts(store::Mailbox& mailbox, store::Uid uid) : mailbox_(mailbox), uid_(uid) {
  const auto kept = mailbox.cached(uid);
  if (!kept) return;
  kept_ = *kept;
  Head head;
  for (std::string_view rest = kept_; rest.size() >= sizeof head;) {
    std::memcpy(&head, rest.data(), sizeof head);
    rest.remove_prefix(sizeof head);
    if (head.kind >= kinds || head.size > rest.size()) return;
    texts_[head.kind] = rest.substr(0, head.size);
    rest.remove_prefix(head.size);
  }
}

const std::optional<std::string_view>& KeptTexts::find(Kind kind) const { return texts_[std::to_underlying(kind)]; }

void KeptTexts::set(Kind kind, std::string text) {
  std::string& place = set_[std::to_underlying(kind)];
  place = std::move(text);
  texts_[std::to_underlying(kind)] = place;
  is_changed_ = true;
}

void KeptTexts::save() {
  if (!std::exchange(is_changed_, false)) return;
  std::string packed;
  for (std::uint32_t kind = 0; kind < kinds; ++kind) {
    const auto& text = texts_[kind];
    if (!text || packed.size() + sizeof(Head) + text->size() > store::Mailbox::cached_size_max) continue;
    const Head head{.kind = kind, .size = static_cast<std::uint32_t>(text->size())};
    packed.append(reinterpret_cast<const char*>(&head), sizeof head);
    packed += *text;
  }
  mailbox_.cache(uid_, packed);
}

Result<std::string> kept_sort_fields(store::Mailbox& mailbox, store::Uid uid) {
  KeptTexts texts(mailbox, uid);
  if (const auto& known = texts.find(KeptTexts::Kind::sort_fields)) return std::string(*known);
  const store::Message message = TRY(mailbox.open(uid));
  std::string fields = message::sort_fields(message.text());
  texts.set(KeptTexts::Kind::sort_fields, fields);
  texts.save();
  return fields;
}

}  // namespace imapd
