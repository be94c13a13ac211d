#pragma once
// daemon_table_open_error_is_fatal.

namespace maps {

// From now on a table that is missing as it is opened is an error of its opening, not of each look-up: of all tables of this process.
void refuse_missing_tables();

}  // namespace maps
