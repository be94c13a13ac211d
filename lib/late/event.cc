// libevent: a command that does one thing after the other waits in poll(2), and has no event loop.

#include <event2/event.h>

#include "lib/late/library.h"

namespace {

constexpr late::Library library(EVENT_SONAME);

}  // namespace

event_config* event_config_new() { return library.function<&event_config_new>(__func__)(); }

void event_config_free(event_config* config) { library.function<&event_config_free>(__func__)(config); }

int event_config_set_flag(event_config* config, int flag) { return library.function<&event_config_set_flag>(__func__)(config, flag); }

int event_config_require_features(event_config* config, int features) {
  return library.function<&event_config_require_features>(__func__)(config, features);
}

event_base* event_base_new_with_config(const event_config* config) {
  return library.function<&event_base_new_with_config>(__func__)(config);
}

void event_base_free(event_base* base) { library.function<&event_base_free>(__func__)(base); }

int event_base_loop(event_base* base, int flags) { return library.function<&event_base_loop>(__func__)(base, flags); }

int event_base_loopbreak(event_base* base) { return library.function<&event_base_loopbreak>(__func__)(base); }

int event_assign(event* it, event_base* base, evutil_socket_t fd, short what, event_callback_fn callback, void* argument) {
  return library.function<&event_assign>(__func__)(it, base, fd, what, callback, argument);
}

int event_add(event* it, const timeval* timeout) { return library.function<&event_add>(__func__)(it, timeout); }

int event_del(event* it) { return library.function<&event_del>(__func__)(it); }
