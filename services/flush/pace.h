#pragma once
// How often one site's mail may be tried. A request that comes too soon is not refused: it is put off, and those that come
// meanwhile are the same request. So a client that sends ETRN all day makes one pass per interval. Pure.

#include <map>
#include <string>

#include "lib/base/deadline.h"

namespace flush {

class Pace {
 public:
  static constexpr std::chrono::seconds interval{5};

  enum class Turn { now, later, waits_already };

  // `later`: the caller comes back at due(name), and calls began() then. `now` has begun.
  [[nodiscard]] Turn ask(const std::string& name, Deadline now);
  [[nodiscard]] Deadline due(const std::string& name) const;
  void began(const std::string& name, Deadline now);

 private:
  struct Site {
    Deadline due{};        // the next pass at the earliest
    bool is_put_off = false;
  };
  std::map<std::string, Site> sites_;  // those whose interval is not over
};

}  // namespace flush
