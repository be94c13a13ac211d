#include "lib/store/copy.h"

namespace store {

Result<std::vector<Flags>> translate_flags(const Mailbox& source, std::span<const Uid> uids, Mailbox& target) {
  std::uint64_t used = 0;
  for (const Uid uid : uids) {
    if (const Entry* const entry = source.find(uid)) used |= entry->flags.keywords;
  }
  const std::vector<std::string>& names = source.keywords();
  std::vector<std::uint64_t> bits(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((used >> i & 1) != 0) bits[i] = TRY(target.keyword_bits(std::span(&names[i], 1), Mailbox::NewKeywords::add));
  }
  std::vector<Flags> flags;
  for (const Uid uid : uids) {
    const Entry* const entry = source.find(uid);
    if (entry == nullptr) continue;
    Flags translated{static_cast<std::uint8_t>(entry->flags.system & flag::all), 0};
    for (std::size_t i = 0; i < bits.size(); ++i) {
      if ((entry->flags.keywords >> i & 1) != 0) translated.keywords |= bits[i];
    }
    flags.push_back(translated);
  }
  return flags;
}

Result<CopiedUids> copy_bytes(Mailbox& source, std::span<const Uid> uids, Mailbox& target, const Surroundings& around) {
  std::vector<Uid> there;
  for (const Uid uid : uids) {
    if (source.find(uid) != nullptr) there.push_back(uid);
  }
  CopiedUids copied{target.uid_validity(), {}};
  if (there.empty()) return copied;
  const std::vector<Flags> flags = TRY(translate_flags(source, there, target));
  const auto append = TRY(target.append());
  for (std::size_t i = 0; i < there.size(); ++i) {
    const Facts facts = TRY(source.facts(there[i]));
    const Message message = TRY(source.open(there[i]));
    TRY(append->begin(flags[i], facts.internal_date));
    TRY(append->write(message.text()));
    around.went(i + 1);
  }
  const std::vector<Uid> added = TRY(append->commit());
  for (std::size_t i = 0; i < added.size(); ++i) copied.pairs.emplace_back(there[i], added[i]);
  copied.uid_validity = target.uid_validity();
  return copied;
}

}  // namespace store
