#include "commands/postconf/edit_main.h"

#include <algorithm>

#include <fmt/core.h>

#include "lib/base/ascii.h"
#include "lib/config/logical_lines.h"
#include "lib/config/main_cf.h"

namespace postconf {

namespace {

using base::fail;

struct Request {
  std::string name, value;
  int found = 0;  // entries of that name in the file
};

Result<std::vector<Request>> parse_requests(Action action, const std::vector<std::string>& texts,
                                            std::vector<std::string>& warnings) {
  std::vector<Request> requests;
  for (const std::string& text : texts) {
    Request request{std::string(ascii::trim(text)), {}};
    if (action == Action::edit) {
      config::Entry entry = TRY(config::parse_setting(text));
      request = {std::move(entry.name), std::move(entry.value)};
    } else if (request.name.empty() || std::ranges::any_of(request.name, ascii::is_space)) {
      return fail(fmt::format("-X or -# requires a parameter name: \"{}\"", text));
    }
    const auto earlier = std::ranges::find(requests, request.name, &Request::name);
    if (earlier == requests.end()) {
      requests.push_back(std::move(request));
      continue;
    }
    warnings.push_back(action == Action::edit
                           ? fmt::format("ignoring earlier request: '{} = {}'", earlier->name, earlier->value)
                           : fmt::format("ignoring earlier request: '{}'", earlier->name));
    *earlier = std::move(request);
  }
  return requests;
}

std::string_view name_of(std::string_view line) { return ascii::trim(line.substr(0, line.find('='))); }

class Editor {
 public:
  Editor(Action action, std::vector<Request>& requests) : action_(action), requests_(requests) {}

  void line(std::string_view line) {
    const bool is_text = !config::is_comment_or_blank(line);
    if (is_text && !ascii::is_space(line.front())) begin_entry(line);
    // What stands between a line and its continuation stays.
    if (!is_text || current_ == nullptr) return keep("", line);
    if (action_ == Action::comment_out) keep("#", line);
  }

  void finish() {
    if (action_ != Action::edit) return;
    for (const Request& request : requests_) {
      if (request.found == 0) write(request);
    }
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void begin_entry(std::string_view line) {
    const auto found = std::ranges::find(requests_, name_of(line), &Request::name);
    current_ = found == requests_.end() ? nullptr : &*found;
    if (current_ == nullptr) return;
    ++current_->found;
    if (action_ == Action::edit) write(*current_);
  }

  void write(const Request& request) { out_ += fmt::format("{} = {}\n", request.name, request.value); }

  void keep(std::string_view prefix, std::string_view line) {
    out_ += prefix;
    out_ += line;
    out_ += '\n';
  }

  const Action action_;
  std::vector<Request>& requests_;
  Request* current_ = nullptr;  // what the entry being read is wanted for
  std::string out_;
};

}  // namespace

Result<void> check_requests(const std::vector<std::string>& requests) {
  for (const std::string& request : requests) {
    if (request.contains('\n')) return fail("-e, -X, or -# accepts no multi-line input");
    if (ascii::trim(request).starts_with('#')) return fail("-e, -X, or -# accepts no comment input");
  }
  return {};
}

Result<Edited> edit_main(Action action, const std::vector<std::string>& texts, std::string_view text,
                         std::string_view file) {
  TRY(check_requests(texts));
  Edited edited;
  std::vector<Request> requests = TRY(parse_requests(action, texts, edited.warnings));
  Editor editor(action, requests);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    editor.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  editor.finish();
  edited.text = editor.take();
  for (const Request& request : requests) {
    if (request.found > 1) edited.warnings.push_back(fmt::format("{}: multiple entries for \"{}\"", file, request.name));
  }
  return edited;
}

}  // namespace postconf
