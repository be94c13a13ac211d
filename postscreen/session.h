#pragma once
// One client, from CONNECT to the moment in which he goes on to the SMTP server, or away. Until the greeting nothing is read from
// him, and he costs no fiber: a descriptor, a timer, and this. What comes then runs in a fiber of its own.

#include <memory>
#include <optional>
#include <string>

#include "lib/base/fd.h"
#include "lib/event/loop.h"
#include "lib/io/socket.h"
#include "lib/smtp/own_reply.h"
#include "postscreen/dnsbl_asker.h"
#include "postscreen/results.h"

namespace postscreen {

class Screen;

class Session {
 public:
  Session(Screen& screen, unsigned long number, Fd connection, const io::Endpoint& client, const io::Endpoint& server);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // In a fiber. When it returns the session is over and gone, or waits without one.
  void begin();

  // The process is to end: who talks to us is sent away.
  void hurry() const { fiber_.cancel(); }

  // For postscreen's own SMTP.
  [[nodiscard]] Screen& screen() { return screen_; }
  [[nodiscard]] const std::string& name() const { return name_; }   // "[192.0.2.1]:4711"
  [[nodiscard]] const io::Endpoint& client() const { return client_; }
  // Whether a client is watched for this: he has not passed it, or has failed another test and is not let in anyway.
  [[nodiscard]] bool watches(Test test) const { return is_refused() || due_.has(test); }
  [[nodiscard]] bool is_refused() const { return refusal_.has_value(); }
  void refuse(smtp::Reply refusal) { refusal_ = std::move(refusal); }
  // What his recipients are refused with: nobody gets through here, but who has done nothing wrong may come again.
  [[nodiscard]] smtp::Reply refusal() const;

 private:
  [[nodiscard]] bool is_admitted();
  // False when the client is cut off or goes on at once.
  [[nodiscard]] bool passes_lists();
  void wait_for_greeting();
  void on_readable();
  void on_lists_complete();
  // He has had no greeting, and gets none: his command is there already.
  [[nodiscard]] bool talked_too_soon_and_is_refused() const;
  void stop_waiting();
  void go_on();
  // False: he is cut off.
  [[nodiscard]] bool judge_by_lists();
  void talk();
  void pass();
  void refuse_for_want_of_servers();
  void store(bool has_passed_all);
  void cut_off(const smtp::Reply& reply);
  [[nodiscard]] smtp::Reply no_time() const;
  void end();
  [[nodiscard]] std::string since(Deadline when) const;
  [[nodiscard]] std::int64_t until(std::chrono::seconds lifetime) const;

  Screen& screen_;
  const unsigned long number_;
  Fd connection_;
  const io::Endpoint client_, server_;
  std::string name_;
  const Deadline connected_;
  Results results_;
  TestSet due_, passed_;
  std::optional<smtp::Reply> refusal_;
  std::shared_ptr<DnsblInquiry> inquiry_;
  std::unique_ptr<event::Loop::Watch> readable_, timer_;
  event::FiberRef fiber_;
  bool talked_too_soon_ = false;
  bool may_skip_ = false;           // DNS lists vouch for him
};

}  // namespace postscreen
