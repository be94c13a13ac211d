// proxymap(8), and proxywrite: reads and changes lookup tables for programs that are chrooted, or that would otherwise
// each hold a table of their own. Asked over private/proxymap; it trusts its askers with the tables that main.cf
// approves (proxy_read_maps, proxy_write_maps) and with nothing else. Keeps no privilege after start, and is never
// chrooted. When it dies, askers get a new connection to its successor and ask again; no mail is touched.

#include "lib/server/service.h"
#include "services/proxymap/service.h"

int main(int argc, char** argv) {
  return server::run(argc, argv,
                     {
                         .name = "proxymap",
                         .kind = server::Kind::requests,
                         .needs = {.connects_unix = true, .connects_inet = true, .reads_files = true},
                         .make = &proxymap::Proxymap::make,
                     });
}
