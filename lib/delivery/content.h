#pragma once
// Copying a message out of its queue file, as local(8), virtual(8) and pipe(8) do: the headers that delivery adds, then
// the content with LF line ends.

#include <functional>
#include <string>
#include <string_view>

#include "lib/base/error.h"
#include "lib/ipc/messages/delivery.h"

namespace delivery {

// Receives bytes in order. An Error ends the copy and is passed on.
using Sink = std::function<Result<void>(std::string_view bytes)>;

// Which of the headers of a final delivery are wanted.
struct PrefixHeaders {
  std::string return_path;    // internal form; the header is always written
  std::string original;       // X-Original-To: the recipient as it was first; without when empty
  std::string delivered_to;   // Delivered-To: the recipient as delivered, for loop detection; without when empty
};

// "Return-Path: <a@b>\nX-Original-To: c@d\nDelivered-To: e@f\n". Addresses in external form, made printable, so that no
// address makes a header of its own.
[[nodiscard]] std::string text(const PrefixHeaders& headers);

// What is done to lines of the content on their way.
enum class FromLines {
  keep,
  quote,  // mbox: a line that starts with "From " gets a '>' in front, in the body and after it
};

struct CopyResult {
  std::int64_t bytes = 0;        // passed to the sink
  bool ends_with_newline = true;
};

// The whole content, each line ended by LF, in pieces of about 16 kB. A damaged file is an Error with errno 0; what the
// sink already has is then to be thrown away.
[[nodiscard]] Result<CopyResult> copy_content(const ipc::DeliveryRequest& request, FromLines from_lines, const Sink& sink);

}  // namespace delivery
