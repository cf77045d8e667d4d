// The Python that `millrace submit` puts before a script: submit_hook.py as a text.
#pragma once

#include <string_view>

namespace millrace::app {

extern const std::string_view kSubmitHook;

}  // namespace millrace::app
