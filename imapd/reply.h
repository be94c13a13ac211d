#pragma once
// How a command ends: the tagged status response.

#include <string>

#include "lib/imap/response_writer.h"

namespace imapd {

struct Reply {
  imap::Status status = imap::Status::ok;
  std::string code;   // without brackets; may be empty
  std::string text;
};

[[nodiscard]] inline Reply ok(std::string text, std::string code = {}) { return {imap::Status::ok, std::move(code), std::move(text)}; }
[[nodiscard]] inline Reply no(std::string text, std::string code = {}) { return {imap::Status::no, std::move(code), std::move(text)}; }
[[nodiscard]] inline Reply bad(std::string text) { return {imap::Status::bad, {}, std::move(text)}; }

}  // namespace imapd
