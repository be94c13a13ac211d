#include "commands/postconf/edit_master.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "commands/postconf/layout.h"
#include "commands/postconf/selection.h"
#include "commands/postconf/service_options.h"
#include "lib/base/ascii.h"
#include "lib/config/logical_lines.h"
#include "lib/config/main_cf.h"

namespace postconf {

namespace {

using base::fail;

// A stretch of the file: lines that belong to no service, or one service with the comments inside it.
struct Block {
  std::vector<std::string> lines;
  std::optional<config::MasterLine> service;
};

std::string text_of(const Block& block) {
  std::string text;
  for (const std::string& line : block.lines) text += line + '\n';
  return text;
}

enum class CommentsBehind { apart, inside };

// Comments between two services are blocks of their own, or belong to the service before them.
Result<std::vector<Block>> blocks_of(std::string_view text, std::string_view file, CommentsBehind comments) {
  std::vector<Block> blocks;
  std::size_t behind = 0;  // comment lines at the end of the last block: they are not inside unless it goes on
  const auto split_off_comments = [&] {
    if (blocks.empty() || behind == 0 || comments == CommentsBehind::inside) return;
    Block rest;
    std::vector<std::string>& lines = blocks.back().lines;
    rest.lines.assign(lines.end() - static_cast<std::ptrdiff_t>(behind), lines.end());
    lines.resize(lines.size() - behind);
    blocks.push_back(std::move(rest));
    behind = 0;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (config::is_comment_or_blank(line)) {
      if (blocks.empty()) blocks.emplace_back();
      blocks.back().lines.push_back(line);
      if (blocks.back().lines.size() > 1 || behind > 0) ++behind;
      continue;
    }
    if (ascii::is_space(line.front()) && !blocks.empty()) {
      behind = 0;
    } else {
      split_off_comments();
      blocks.emplace_back();
    }
    blocks.back().lines.push_back(line);
  }
  split_off_comments();
  for (Block& block : blocks) {
    std::vector<config::MasterLine> lines = TRY(config::parse_master_lines(text_of(block), file));
    if (lines.size() == 1) block.service = std::move(lines.front());
  }
  return blocks;
}

// The block in postconf's layout, the comments first.
void write_anew(Block& block, const config::MasterLine& line) {
  std::erase_if(block.lines, [](const std::string& text) { return !config::is_comment_or_blank(text); });
  std::string text = service(line, true);
  text.pop_back();
  block.lines.push_back(std::move(text));
  block.service = line;
}

// The new line stands where the old one began; the comments that were inside follow.
void replace_service(Block& block, const config::MasterLine& line) {
  const auto begin = std::ranges::find_if_not(block.lines, [](const auto& text) { return config::is_comment_or_blank(text); });
  const auto above = static_cast<std::size_t>(begin - block.lines.begin());
  std::string text = service(line, true);
  text.pop_back();
  std::erase_if(block.lines, [](const std::string& old) { return !config::is_comment_or_blank(old); });
  block.lines.insert(block.lines.begin() + static_cast<std::ptrdiff_t>(above), std::move(text));
  block.service = line;
}

void comment_out(Block& block) {
  for (std::string& line : block.lines) {
    if (!config::is_comment_or_blank(line)) line.insert(line.begin(), '#');
  }
  block.service.reset();
}

void remove_service(Block& block) {
  std::erase_if(block.lines, [](const std::string& text) { return !config::is_comment_or_blank(text); });
  block.service.reset();
}

struct Request {
  Selection selection;
  std::string value, text;
};

Result<Request> parse_request(Subject subject, Action action, const std::string& text) {
  Request request;
  request.text = text;
  std::string selector(ascii::trim(text));
  if (action == Action::edit) {
    config::Entry entry = TRY(config::parse_setting(text));
    selector = std::move(entry.name);
    request.value = std::move(entry.value);
  }
  switch (subject) {
    case Subject::services:
      request.selection = TRY(Selection::parse(selector, 2, 2, "-Me, -MX or -M# requires service_name/type"));
      break;
    case Subject::fields:
      request.selection = TRY(Selection::parse(selector, 3, 3, "-Fe or -FX requires service_name/type/field_name"));
      break;
    case Subject::service_parameters:
      request.selection = TRY(Selection::parse(selector, 3, 3, "-Pe or -PX requires service_name/type/parameter"));
      if (request.selection.member() == "*") return fail("-Pe does not accept wild-card parameter name");
      if (std::ranges::any_of(request.value, ascii::is_space)) {
        return fail("-Pe does not accept whitespace in parameter value");
      }
      break;
    case Subject::parameters:
    case Subject::table_types:
    case Subject::lock_types:
    case Subject::server_sasl:
    case Subject::client_sasl:
    case Subject::templates:
    case Subject::expanded_templates:
    case Subject::tls: return fail("no request for master.cf");
  }
  return request;
}

class Editor {
 public:
  Editor(Subject subject, Action action, std::vector<Block> blocks, std::vector<std::string>& warnings)
      : subject_(subject), action_(action), blocks_(std::move(blocks)), warnings_(warnings) {}

  Result<void> apply(const Request& request) {
    std::optional<config::MasterLine> replacement;
    if (subject_ == Subject::services && action_ == Action::edit) replacement = TRY(new_line(request));
    bool matched = false;
    for (Block& block : blocks_) {
      if (!block.service || !request.selection.matches(*block.service)) continue;
      matched = true;
      TRY(change(request, replacement, block));
    }
    if (matched) return {};
    if (replacement) {
      write_anew(blocks_.emplace_back(), *replacement);
    } else if (subject_ != Subject::services) {
      warnings_.push_back(fmt::format("unmatched service_name/type: \"{}\"", request.text));
    }
    return {};
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Block& block : blocks_) text += text_of(block);
    return text;
  }

 private:
  Result<config::MasterLine> new_line(const Request& request) {
    auto lines = config::parse_master_lines(request.value, "");
    if (!lines || lines->size() != 1) return fail(fmt::format("bad field count: \"{}\"", request.text));
    TRY(check_fields(lines->front(), request.value));
    return normal_form(lines->front(), warnings_);
  }

  Result<void> change(const Request& request, std::optional<config::MasterLine>& replacement, Block& block) {
    if (action_ == Action::comment_out) {
      comment_out(block);
    } else if (subject_ == Subject::services) {
      // Of several that the request means, the first becomes the new one and the others go.
      replacement ? replace_service(block, *replacement) : remove_service(block);
      replacement.reset();
    } else {
      config::MasterLine line = normal_form(*block.service, warnings_);
      TRY(subject_ == Subject::fields ? set_field(request, line) : change_settings(request, line));
      write_anew(block, line);
    }
    return {};
  }

  static Result<void> set_field(const Request& request, config::MasterLine& line) {
    const std::size_t number = TRY(field_number(request.selection.member()));
    if (number < line.fields.size()) {
      if (std::ranges::any_of(request.value, ascii::is_space)) {
        return fail("-Fe does not accept whitespace in non-command field");
      }
      line.fields[number] = request.value;
      return check_fields(line, request.value);
    }
    auto parsed = config::parse_master_lines("- - - - - - - " + request.value, "");
    if (!parsed || parsed->size() != 1) return fail(fmt::format("missing command in \"{}\"", request.text));
    line.command = std::move(parsed->front().command);
    return {};
  }

  Result<void> change_settings(const Request& request, config::MasterLine& line) const {
    if (action_ == Action::edit) {
      set_setting(line, request.selection.member(), request.value);
    } else {
      for (const config::Entry& entry : settings_of(line)) {
        if (request.selection.matches_member(entry.name)) remove_setting(line, entry.name);
      }
    }
    return {};
  }

  const Subject subject_;
  const Action action_;
  std::vector<Block> blocks_;
  std::vector<std::string>& warnings_;
};

}  // namespace

Result<Edited> edit_master(Subject subject, Action action, const std::vector<std::string>& requests, std::string_view text,
                           std::string_view file) {
  TRY(check_requests(requests));
  Edited edited;
  // What Postfix reads before it knows that a service has ended, it writes before a service that it changes.
  const auto comments = subject == Subject::services ? CommentsBehind::apart : CommentsBehind::inside;
  Editor editor(subject, action, TRY(blocks_of(text, file, comments)), edited.warnings);
  for (const std::string& text_of_request : requests) {
    const Request request = TRY(parse_request(subject, action, text_of_request));
    TRY(editor.apply(request));
  }
  edited.text = editor.text();
  return edited;
}

}  // namespace postconf
