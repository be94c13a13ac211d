#pragma once
// What follows an installation: postfix set-permissions, upgrade-configuration, and the steps of post-install, which
// packages and postmulti(1) ask for.

#include "commands/postfix/actions.h"

namespace postfix {

// The arguments are "name=value": installation parameters, which main.cf then has.
int set_permissions(const Context& context);
int upgrade_configuration(const Context& context);

// The arguments are steps and "name=value".
int post_install(const Context& context);

}  // namespace postfix
