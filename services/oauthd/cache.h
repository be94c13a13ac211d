#pragma once
// Tokens that the introspection server has called active, for a while. A token is known by its SHA-256, the whole of it, so
// that memory holds none that could be used elsewhere. Pure.

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "lib/base/deadline.h"

namespace oauthd {

class Cache {
 public:
  Cache(std::size_t size, std::chrono::seconds time, const base::Clock& clock) : size_(size), time_(time), clock_(clock) {}

  // The user, as the claim names him. Null: not known, or no more.
  [[nodiscard]] const std::string* find(const std::string& digest);
  // `ends` is the token's own end.
  void keep(const std::string& digest, std::string user, std::optional<Stamp> ends);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string digest, user;
    Deadline until;
    std::optional<Stamp> ends;
  };
  using Entries = std::list<Entry>;   // the one that was kept last in front
  void forget(Entries::iterator entry);

  std::size_t size_;
  std::chrono::seconds time_;
  const base::Clock& clock_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> by_digest_;
};

}  // namespace oauthd
