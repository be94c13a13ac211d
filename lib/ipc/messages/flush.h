#pragma once
// Agents, smtpd and postqueue ask flush(8), which lists the waiting mail of the sites of fast_flush_domains. Its socket is
// public/$flush_service_name (lib/queue/flush_sites.h).

#include "lib/ipc/message.h"

namespace ipc {

enum class FlushCommand {
  add,        // the message waits for the site
  send_site,  // try now what waits for the site
  send_file,  // try this message now, whomever it is for
  refresh,    // try what waits for sites that nobody has asked for in a long time; forget the lists of nothing
  purge,      // the same for every site, however lately it was asked for
};

struct FlushRequest {
  FlushCommand command = FlushCommand::refresh;
  std::string site;      // add, send_site: the domain, in any case
  std::string queue_id;  // add, send_file
  static constexpr auto fields = std::tuple{Field{"request", &FlushRequest::command}, Field{"site", &FlushRequest::site},
                                            Field{"queue_id", &FlushRequest::queue_id}};
};

enum class FlushStatus {
  ok,
  bad,     // no such site or id can be
  failed,  // the list cannot be read or written, or qmgr is not there
  denied,  // the site is not one of fast_flush_domains
};

struct FlushAnswer {
  FlushStatus status = FlushStatus::failed;
  static constexpr auto fields = std::tuple{Field{"status", &FlushAnswer::status}};
};

struct Flush {
  using Request = FlushRequest;
  using Answer = FlushAnswer;
  static constexpr std::chrono::seconds timeout{100};
  // Mail and clients do without it where master.cf has no such service.
  static constexpr std::chrono::milliseconds connect_timeout{200};
};

}  // namespace ipc
