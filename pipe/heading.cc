#include "pipe/heading.h"

#include <string_view>

#include "lib/base/ascii.h"
#include "lib/mail/address.h"
#include "lib/mailbox/content.h"
#include "pipe/arguments.h"

namespace pipe_agent {
namespace {

std::string one_line(std::string_view address) { return ascii::printable(mail::to_external(address)); }

}  // namespace

std::string heading_of(const ipc::DeliveryRequest& request, const ipc::DeliveryRecipient& recipient, const Attributes& attributes) {
  const Flags& flags = attributes.flags;
  const std::string& end = attributes.line_end;
  const std::string sender = one_line(shown_sender(request, attributes.null_sender));
  std::string text;
  if (flags.from_line) {
    text = mailbox::from_line(sender, request.arrived);
    text.replace(text.size() - 1, 1, end);
  }
  if (flags.return_path) text += "Return-Path: <" + sender + ">" + end;
  if (flags.original_to) {
    text += "X-Original-To: " + one_line(recipient.original.empty() ? recipient.address : recipient.original) + end;
  }
  if (flags.delivered_to) text += "Delivered-To: " + one_line(recipient.address) + end;
  return text;
}

}  // namespace pipe_agent
