#include "lib/event/reactor.h"

#include <new>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/base/check.h"
#include "lib/log/log.h"

namespace reactor {
namespace {

::event* of(std::byte* storage) { return std::launder(reinterpret_cast<::event*>(storage)); }

short flags_of(Kind kind) {
  switch (kind) {
    case Kind::readable_edge: return EV_READ | EV_CLOSED | EV_ET | EV_PERSIST;
    case Kind::writable_edge: return EV_WRITE | EV_ET | EV_PERSIST;
    case Kind::readable_level: return EV_READ | EV_PERSIST;
    case Kind::writable_level: return EV_WRITE | EV_PERSIST;
    case Kind::signal: return EV_SIGNAL | EV_PERSIST;
    case Kind::clock: return 0;
  }
  return 0;
}

}  // namespace

Base::Base() : base_(nullptr) {
  ::event_config* const config = ::event_config_new();
  CHECK(config != nullptr);
  ::event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  ::event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
  base_ = ::event_base_new_with_config(config);
  ::event_config_free(config);
  if (base_ == nullptr) maillog::fatal("cannot make an event loop");
}

Base::~Base() { ::event_base_free(base_); }

void Base::dispatch(Block block) {
  ::event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY | (block == Block::never ? EVLOOP_NONBLOCK : 0));
}

void Base::interrupt() { ::event_base_loopbreak(base_); }

void Registration::call(int, short flags, void* registration) {
  const auto& self = *static_cast<const Registration*>(registration);
  self.callback_(self.argument_, (flags & EV_CLOSED) != 0 ? What::closed : What::ready);
}

void Registration::assign(Base& base, Kind kind, int what, Callback callback, void* argument) {
  static_assert(sizeof(::event) <= storage_size);
  callback_ = callback;
  argument_ = argument;
  ::event* const event = new (storage_.data())::event{};
  CHECK(::event_assign(event, base.base_, kind == Kind::clock ? -1 : what, flags_of(kind), &Registration::call, this) == 0);
}

bool Registration::add() { return ::event_add(of(storage_.data()), nullptr) == 0; }

void Registration::add_once_after(std::chrono::microseconds delay) {
  const timeval time{.tv_sec = delay.count() / 1'000'000, .tv_usec = delay.count() % 1'000'000};
  ::event_add(of(storage_.data()), &time);
}

void Registration::remove() { ::event_del(of(storage_.data())); }

}  // namespace reactor
