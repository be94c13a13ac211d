#pragma once
// The text of a notice (RFC 3464): a multipart/report of the text for people, the delivery status for programs, and the
// message or its header. Pure: facts in, lines out.

#include <functional>
#include <string>
#include <string_view>

#include "bounce/original.h"
#include "bounce/template.h"
#include "bounce/wrap.h"
#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/ipc/messages/bounce.h"

namespace bounce {

// Calls `take` for each recipient that the notice is about; called twice for one notice. Ends early with false.
using Recipients = std::function<Result<void>(const std::function<bool(const ipc::RecipientStatus&)>& take)>;

// How much of the message goes back.
enum class Returned { full, headers };

struct Notice {
  Kind kind = Kind::failure;
  bool postmaster_copy = false;      // other subject, no text for people
  std::string to;                    // internal form; for the To: header
  Returned returned = Returned::full;

  // Of the message that the notice is about.
  std::string queue_id;
  std::string sender;                // internal form, never empty: who stands in for the null sender is decided before
  std::string encoding;              // "8bit", "7bit", or empty
  bool tls_optional = false;         // "TLS-Required: no" of it counts for the notice, too (RFC 8689 section 5)
  bool tls_required = false;         // the same of REQUIRETLS
  bool smtputf8 = false;             // it may have UTF-8 addresses and header fields (RFC 6533)
  std::string envelope_id;           // ENVID
  std::string thread_id;             // its Message-ID, when enable_threaded_bounces; or empty
  const Original* original = nullptr;
};

// What is the same in all notices of this process.
struct Site {
  std::string hostname;              // myhostname
  std::string mail_name;
  bool smtputf8_enable = true;
  std::chrono::seconds maximal_queue_lifetime{};
  bool is_filtered = false;          // "bounce" in internal_mail_filter_classes
  bool from_has_comment = false;    // header_from_format = obsolete; cleanup, which gets every notice, refuses bad values
};

// Passes the lines of the whole message, header first, to the sink. False when the sink did not take them all. An Error
// when the message cannot be read.
[[nodiscard]] Result<bool> compose(const Notice& notice, const Site& site, const Template& text,
                                   const Recipients& recipients, std::string_view new_queue_id, Stamp now,
                                   const LineSink& sink);

}  // namespace bounce
