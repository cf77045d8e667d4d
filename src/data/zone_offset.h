// Inside `data` only: zones inside texts, and fixed offsets from UTC as
// java.time.ZoneOffset has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/time_text.h"

namespace millrace::data {

/// Turns the forms Spark took before 3.0, "+h:mm" and "+hh:m", into Java's.
std::string PadZoneOffset(std::string_view id);

/// Seconds of "Z", "+h", "+hh", "+hhmm", "+hh:mm", "+hhmmss", "+hh:mm:ss", up to 18
/// hours.
std::optional<int32_t> ParseZoneOffset(std::string_view text);

/// "Z", "+01:00", "-01:30:15".
std::string ZoneOffsetId(int32_t offset_seconds);

/// TimeZone::Find for ids that repeat from row to row: each thread remembers its last
/// one, so that no lock is taken. Null where there is no such zone.
const TimeZone* FindZone(std::string_view id);

}  // namespace millrace::data
