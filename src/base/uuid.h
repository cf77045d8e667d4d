// Random identifiers: query ids, run ids, names of temporary files.
#pragma once

#include <string>

namespace millrace {

/// A random (version 4) UUID, lower case, e.g. "0b1f4c52-9c4e-4f0e-8a55-3f7c1d2e9a60".
/// Threading: any thread.
std::string MakeUuid();

}  // namespace millrace
