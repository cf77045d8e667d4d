# Compiler settings of the whole build: language, optimisation, sanitizers, linker, cache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Dev CACHE STRING "Dev or Release." FORCE)
endif()

# Dev trades speed of the program for speed of the compiler, and checks the standard library's
# preconditions. Release is portable unless MILLRACE_NATIVE is set.
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
if(MILLRACE_NATIVE)
  string(APPEND CMAKE_CXX_FLAGS_RELEASE " -march=native")
endif()

if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_SANITIZE MATCHES thread)
  # Part of every program; the file says why.
  add_library(millrace_c11_threads OBJECT
    "${PROJECT_SOURCE_DIR}/tools/sanitizers/c11_threads.cc")
endif()

# Programs land in the build folder itself, so that they are easy to type.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")

find_program(MILLRACE_CCACHE ccache)
if(MILLRACE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MILLRACE_CCACHE}")
endif()

find_program(MILLRACE_MOLD mold)
if(MILLRACE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# What our own code compiles with; generated code does without.
set(MILLRACE_WARNINGS -Wall -Wextra -Wshadow -Werror)
# GCC 12 with -O3 takes assignments of short literals to strings for overlapping copies (its bug
# 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND MILLRACE_WARNINGS $<$<CONFIG:Release>:-Wno-restrict>)
endif()
