#pragma once
// What the server answers to one command: a value that handlers return; the session alone sends it.

#include "lib/smtp/own_reply.h"

namespace smtpd {

using smtp::Reply;

}  // namespace smtpd
