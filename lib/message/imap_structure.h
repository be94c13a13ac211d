#pragma once
// ENVELOPE, BODY and BODYSTRUCTURE as IMAP's responses have them (RFC 3501 section 7.4.2), byte for byte as Dovecot writes them.

#include <string>
#include <string_view>

#include "lib/message/envelope.h"
#include "lib/message/parts.h"

namespace message {

// A quoted string, or a literal where the text has what a quoted string cannot hold, or should not. Without a value: NIL.
void append_string(std::string& out, std::string_view text);
void append_nstring(std::string& out, const NString& text);

// "(date subject from sender reply-to to cc bcc in-reply-to message-id)"
void append_envelope(std::string& out, const Envelope& envelope);

enum class StructureForm { body, bodystructure };  // without and with extension data
void append_structure(std::string& out, std::string_view message, const Parts& parts, StructureForm form);

}  // namespace message
