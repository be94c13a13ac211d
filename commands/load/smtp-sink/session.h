#pragma once
// A client's session with smtp-sink.

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "commands/load/smtp-sink/dump.h"
#include "commands/load/smtp-sink/options.h"
#include "lib/io/stream.h"

namespace smtp_sink {

// What all sessions count.
struct Counters {
  unsigned long sessions = 0, quits = 0, messages = 0;
};

class Session {
 public:
  // `message_came` is called behind the reply to each message.
  Session(const Options& options, Counters& counters, Fd client, std::function<void()> message_came);
  void run();

 private:
  enum class Next { go_on, close };

  Next greet();
  // One command: what was told to happen to it, or what it does.
  Next command(std::string_view line);
  [[nodiscard]] bool is_offered(Verb verb) const;
  Next act(Verb verb, std::string_view arguments);
  Next mail(std::string_view arguments);
  Next rcpt(std::string_view arguments);
  Next data();
  Next read_content();
  // The reply to a message, or to each of its recipients.
  Next end_of_message();
  void hello(Verb verb, std::string_view arguments);
  [[nodiscard]] std::string extensions() const;
  void reset();
  // Waits as the command's delay says; parks.
  void delay(const Treatment& treatment);
  // A refusal that was asked for; none when the command is to be carried out.
  [[nodiscard]] const std::string* refusal(const Treatment& treatment) const;
  Next reply(std::string_view text);
  [[nodiscard]] Deadline deadline() const { return base::after(options_.time_limit); }
  void shown(std::string_view line) const;

  const Options& options_;
  Counters& counters_;
  io::Stream stream_;
  std::function<void()> message_came_;
  Envelope envelope_;
  bool in_mail_ = false;
  std::size_t recipients_ = 0;
  std::optional<Dump> dump_;
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace smtp_sink
