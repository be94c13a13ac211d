#pragma once
// One of smtp-source's sessions at a time: connects, sends messages as long as there are some, and connects again.

#include <string>

#include "commands/load/smtp-source/options.h"
#include "commands/load/target.h"
#include "commands/load/work.h"
#include "lib/io/stream.h"
#include "lib/smtp/reply.h"

namespace smtp_source {

// What all sessions share.
struct Shared {
  const Options& options;
  const load::Target& target;
  const std::string& content;   // of each message, behind the header
  load::Work& work;
  unsigned long recipients = 0;
};

class Session {
 public:
  explicit Session(Shared& shared) : shared_(shared) {}
  // Until there is no message left. A refusal ends the program, unless it is to go on.
  void run();

 private:
  void connect();
  void greet();
  // One message; refused ones are reset.
  void send_message();
  [[nodiscard]] bool send_envelope(std::string& last_recipient);
  void send_content(const std::string& recipient);
  // Sends a line and reads its reply. `name` is what the log calls it.
  smtp::ServerReply command(const std::string& line, std::string_view name);
  smtp::ServerReply reply(std::string_view name);
  // Whether the server took it.
  bool accepted(const smtp::ServerReply& reply, std::string_view name);

  Shared& shared_;
  std::optional<io::Stream> stream_;
};

}  // namespace smtp_source
