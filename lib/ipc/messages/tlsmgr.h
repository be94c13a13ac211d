#pragma once
// tlsmgr(8) is asked for the keys of a service's session tickets, keeps the sessions that clients may resume, and opens files for traces.

#include "lib/ipc/message.h"

namespace ipc {

enum class TlsManagerOperation {
  ticket_keys,     // of the service `name`, whose tickets live for `lifetime`
  find_session,    // `id` in the cache `name` ("smtp", "lmtp")
  keep_session,
  drop_session,
  begin_trace,     // of a session of the program `name` ("smtpd") with the address `id`
};

struct TlsManagerRequest {
  TlsManagerOperation operation = TlsManagerOperation::ticket_keys;
  std::string name, id;
  std::string session;              // base64
  std::chrono::seconds lifetime{};
  static constexpr auto fields = std::tuple{Field{"request", &TlsManagerRequest::operation}, Field{"name", &TlsManagerRequest::name},
                                            Field{"id", &TlsManagerRequest::id}, Field{"session", &TlsManagerRequest::session},
                                            Field{"lifetime", &TlsManagerRequest::lifetime}};
};

// Each in base64.
struct TicketKeyMessage {
  std::string name, cipher_key, mac_key;
  static constexpr auto fields = std::tuple{Field{"key_name", &TicketKeyMessage::name}, Field{"cipher_key", &TicketKeyMessage::cipher_key},
                                            Field{"mac_key", &TicketKeyMessage::mac_key}};
};

struct TraceFile {
  Fd file;   // to be written from its beginning
  static constexpr auto fields = std::tuple{Field{"trace", &TraceFile::file}};
};

struct TlsManagerAnswer {
  std::vector<TicketKeyMessage> keys;   // the first seals new tickets for `fresh_for`
  std::chrono::seconds fresh_for{};
  std::string session;                  // empty: there is none
  std::vector<TraceFile> traces = {};   // one, or none: there are too many
  static constexpr auto fields = std::tuple{Field{"keys", &TlsManagerAnswer::keys}, Field{"fresh_for", &TlsManagerAnswer::fresh_for},
                                            Field{"session", &TlsManagerAnswer::session}, Field{"traces", &TlsManagerAnswer::traces}};
};

// The socket is that of tlsmgr_service_name (ask_at). Nobody waits for long: without it handshakes are made in full.
struct TlsManager {
  using Request = TlsManagerRequest;
  using Answer = TlsManagerAnswer;
  static constexpr std::string_view socket = "private/tlsmgr";
  static constexpr std::chrono::seconds timeout{2};
  static constexpr std::chrono::milliseconds connect_timeout{200};
};

}  // namespace ipc
