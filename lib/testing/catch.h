#pragma once
// Catch2 for our tests. Include it last: Catch's CHECK replaces ours from here on.
#ifdef CHECK
#undef CHECK
#endif
#include <catch2/catch.hpp>
