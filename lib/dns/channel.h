#pragma once
// c-ares on our loop: a question goes out, the fiber parks, the packet comes back. Internal to lib/dns.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/dns/answer.h"
#include "lib/event/loop.h"

struct ares_channeldata;

namespace dns {

class Channel {
 public:
  // Reads resolv.conf, unless `servers` names them ("192.0.2.1:53,[2001:db8::1]:53").
  // With signatures wanted each question asks for them and for what the name server thinks of them (the DO bit of RFC 3225, the AD
  // bit of RFC 6840 section 5.7).
  enum class Signatures { not_wanted, wanted };
  static Result<std::unique_ptr<Channel>> open(const std::string& servers, Signatures signatures = Signatures::not_wanted);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // A question that is under way. It outlives the fiber that asked, since c-ares answers when it likes.
  struct Question {
    event::Notify answered;
    bool is_answered = false;
    bool is_validated = false;          // the name server says that all in the answer is authentic
    Status status = Status::temporary;  // found: a packet came whose code is NOERROR and that has answers
    std::string packet;
  };
  // The domains in which names are looked for, as resolv.conf has them.
  [[nodiscard]] std::vector<std::string> search_domains() const;
  [[nodiscard]] std::shared_ptr<Question> ask(const std::string& name, Type type);
  // Parks until the answer or the deadline.
  static void wait(Question& question, Deadline deadline);

 private:
  Channel() = default;
  void socket_changed(int fd, bool wants_read, bool wants_write);
  void process(int readable, int writable);
  void set_timer();

  struct Watches {
    std::unique_ptr<event::Loop::Watch> readable, writable;
  };
  ::ares_channeldata* channel_ = nullptr;
  Signatures signatures_ = Signatures::not_wanted;
  std::unordered_map<int, Watches> sockets_;
  std::unique_ptr<event::Loop::Watch> timer_;
  Deadline timer_at_ = base::no_deadline;
};

}  // namespace dns
