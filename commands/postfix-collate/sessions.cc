#include "commands/postfix-collate/sessions.h"

namespace collate {
namespace {

void add_line(std::string& lines, std::string_view line) {
  lines += line;
  lines += '\n';
}

bool is_client(std::string_view program) { return program == "smtp" || program == "lmtp"; }

bool delivers(std::string_view program) {
  for (const std::string_view one : {"local", "virtual", "pipe", "error", "retry", "discard", "qmgr", "oqmgr", "nqmgr"}) {
    if (program == one) return true;
  }
  return is_client(program);
}

// The message that a line of bounce(8) says it has made: "sender non-delivery notification: 0A1B2C3D4E".
std::string_view made_by(std::string_view text) {
  constexpr std::string_view mark = " notification: ";
  const std::size_t at = text.rfind(mark);
  const std::string_view id = at == std::string_view::npos ? std::string_view() : text.substr(at + mark.size());
  return is_queue_id(id) ? id : std::string_view();
}

}  // namespace

Sessions::Message* Sessions::find(std::string_view id) {
  const auto found = messages_.find(std::string(id));
  return found == messages_.end() ? nullptr : &found->second;
}

Sessions::Message& Sessions::message(std::string_view id) {
  const auto [found, is_new] = messages_.try_emplace(std::string(id));
  if (is_new) found->second.place = order_.insert(order_.end(), std::string(id));
  return found->second;
}

void Sessions::append(std::string_view id, std::string_view line) {
  if (Message* const known = find(id)) add_line(known->lines, line);
}

void Sessions::end(std::string_view id) {
  const auto found = messages_.find(std::string(id));
  if (found == messages_.end()) return;
  out_(found->second.lines);
  order_.erase(found->second.place);
  messages_.erase(found);
}

void Sessions::server_line(const std::string& process, const LogLine& parts, std::string_view line) {
  if (parts.text.starts_with("connect from ")) {
    sessions_[process].lines.clear();
    return add_line(sessions_[process].lines, line);
  }
  Session& session = sessions_[process];
  if (parts.text.starts_with("client=") && !parts.queue_id.empty()) {
    add_line(session.lines, line);
    Message& begun = message(parts.queue_id);
    begun.lines += session.lines;
    session.current = parts.queue_id;
    return;
  }
  if (!parts.queue_id.empty()) return append(parts.queue_id, line);
  if (session.current.empty()) add_line(session.lines, line);
  else append(session.current, line);
  if (!parts.text.starts_with("disconnect from ")) return;
  if (session.current.empty()) out_(session.lines);
  else if (const Message* const last = find(session.current); last != nullptr && last->refused) end(session.current);
  sessions_.erase(process);
}

void Sessions::notice_line(const LogLine& parts, std::string_view line) {
  append(parts.queue_id, line);
  const std::string_view made = made_by(parts.text);
  if (made.empty()) return;
  // Its own lines may have come first.
  Message& notice = message(made);
  notice.lines.insert(0, std::string(line) + "\n");
}

void Sessions::delivery_line(const std::string& process, const LogLine& parts, std::string_view line) {
  if (is_client(parts.program)) {
    if (parts.queue_id.empty()) return add_line(before_[process], line);
    if (const auto before = before_.find(process); before != before_.end()) {
      if (Message* const known = find(parts.queue_id)) known->lines += before->second;
      before_.erase(before);
    }
  }
  append(parts.queue_id, line);
  if (parts.program.ends_with("qmgr") && parts.text == "removed") end(parts.queue_id);
}

void Sessions::take(std::string_view line) {
  const auto parts = parse(line);
  if (!parts) return;
  const std::string process = std::string(parts->host) + " " + std::string(parts->process);
  if (parts->program == "smtpd") return server_line(process, *parts, line);
  if (delivers(parts->program)) return delivery_line(process, *parts, line);
  if (parts->queue_id.empty()) return;
  if (parts->program == "bounce") return notice_line(*parts, line);
  if (parts->program == "cleanup" || parts->program == "pickup") {
    Message& known = message(parts->queue_id);
    add_line(known.lines, line);
    if (parts->text.starts_with("reject: ") || parts->text.starts_with("milter-reject: ")) known.refused = true;
  }
}

void Sessions::finish() {
  while (!order_.empty()) end(std::string(order_.front()));
}

}  // namespace collate
