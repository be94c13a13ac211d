#pragma once
// Lines of a log that are mixed as things happened, sorted into stories: a session without a message, or a message with
// the session that it came in, from the first line to the last. A story is handed out when it ends; those that have not
// ended are handed out at the end.

#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "commands/postfix-collate/log_line.h"

namespace collate {

class Sessions {
 public:
  explicit Sessions(std::function<void(std::string_view story)> out) : out_(std::move(out)) {}

  void take(std::string_view line);
  void finish();

 private:
  // A message in the making, or on its way.
  struct Message {
    std::string lines;
    bool refused = false;   // by cleanup: it ends with its session
    std::list<std::string>::iterator place;
  };
  // An SMTP server's session.
  struct Session {
    std::string lines;
    std::string current;    // the id of its last message
  };

  void server_line(const std::string& process, const LogLine& parts, std::string_view line);
  void notice_line(const LogLine& parts, std::string_view line);
  void delivery_line(const std::string& process, const LogLine& parts, std::string_view line);
  Message& message(std::string_view id);
  void append(std::string_view id, std::string_view line);
  void end(std::string_view id);
  Message* find(std::string_view id);

  std::function<void(std::string_view)> out_;
  std::unordered_map<std::string, Message> messages_;
  std::list<std::string> order_;   // ids, as they came
  std::unordered_map<std::string, Session> sessions_;
  std::unordered_map<std::string, std::string> before_;   // of an SMTP client: lines in front of the next that names a message
};

}  // namespace collate
