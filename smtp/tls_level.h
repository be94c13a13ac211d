#pragma once
// How much TLS a session has to have.

namespace smtp {

// In the order of their strength.
enum class TlsLevel {
  none,
  may,           // where the server offers it
  encrypt,       // or mail waits
  fingerprint,   // from here on the server's certificate counts
  half_dane,     // as dane, of a server that a record which is not signed has named: nobody is sure that it is the right one
  dane,          // by TLSA records, where there are any, or may
  dane_only,
  verify,
  secure,
};

}  // namespace smtp
