# How a folder becomes a target. Four functions, one for each kind of thing that is built:
#   millrace_module        a folder of src/ with its tests
#   millrace_test_library  helpers for tests of several modules; never linked into a product
#   millrace_test          a test program that belongs to no single module
#   millrace_program       something with a main(), in the build folder itself
#
# In all of them DEPS are modules, by their folder's name under src/ ("connectors/kafka");
# PUBLIC_DEPS and PRIVATE_DEPS are any other targets, seen or not seen by users of the headers.

# Sets <out> to the targets of the modules <names>: connectors/kafka -> millrace::connectors_kafka.
function(_millrace_targets_of names out)
  string(REPLACE "/" "_" flat "${names}")
  list(TRANSFORM flat PREPEND "millrace::")
  set(${out} "${flat}" PARENT_SCOPE)
endfunction()

# What all of our own targets have in common.
function(_millrace_configure target)
  target_include_directories(${target} PUBLIC
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
  target_compile_options(${target} PRIVATE ${MILLRACE_WARNINGS})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE" AND TARGET millrace_c11_threads)
    target_link_libraries(${target} PRIVATE millrace_c11_threads)
  endif()
endfunction()

# millrace_module(<folder> [DEPS …] [PUBLIC_DEPS …] [PRIVATE_DEPS …] [TEST_DEPS …]
#                 [SOURCES …] [TESTS …])
#
# Makes the static library millrace_<name>, also known as millrace::<name>, of SOURCES (none for a
# module of headers only), and one program <name>_test of TESTS. TEST_DEPS are targets that only
# the tests link.
function(millrace_module folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg ""  ""
    "DEPS;PUBLIC_DEPS;PRIVATE_DEPS;TEST_DEPS;SOURCES;TESTS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "millrace_module(${folder}): cannot place ${arg_UNPARSED_ARGUMENTS}.")
  endif()
  string(REPLACE "/" "_" name "${folder}")
  set(library millrace_${name})

  _millrace_targets_of("${arg_DEPS}" modules)

  if(arg_SOURCES)
    add_library(${library} STATIC ${arg_SOURCES})
    target_link_libraries(${library}
      PUBLIC ${modules} ${arg_PUBLIC_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
    _millrace_configure(${library})
  else()
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE ${modules} ${arg_PUBLIC_DEPS})
    target_include_directories(${library} INTERFACE
      "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
  endif()
  add_library(millrace::${name} ALIAS ${library})

  if(arg_TESTS)
    millrace_test(${name} DEPS ${folder}
      PRIVATE_DEPS ${arg_PRIVATE_DEPS} ${arg_TEST_DEPS} SOURCES ${arg_TESTS})
  endif()
endfunction()

# millrace_test_library(<name> [DEPS …] [PUBLIC_DEPS …] [PRIVATE_DEPS …] SOURCES …)
#
# Makes millrace::<name>, which tests name in TEST_DEPS. It sees GoogleTest.
function(millrace_test_library name)
  if(NOT MILLRACE_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS;PUBLIC_DEPS;PRIVATE_DEPS;SOURCES")
  _millrace_targets_of("${arg_DEPS}" modules)
  add_library(millrace_${name} STATIC ${arg_SOURCES})
  target_link_libraries(millrace_${name}
    PUBLIC ${modules} ${arg_PUBLIC_DEPS} GTest::gmock PRIVATE ${arg_PRIVATE_DEPS})
  _millrace_configure(millrace_${name})
  add_library(millrace::${name} ALIAS millrace_${name})
endfunction()

# millrace_test(<name> [DEPS …] [PRIVATE_DEPS …] SOURCES …)
#
# Makes the GoogleTest program tests/<name>_test. Tests find files of the source tree under the
# macro MILLRACE_SOURCE_DIR.
function(millrace_test name)
  if(NOT MILLRACE_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS;PRIVATE_DEPS;SOURCES")
  _millrace_targets_of("${arg_DEPS}" modules)
  add_executable(${name}_test ${arg_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${modules} ${arg_PRIVATE_DEPS} GTest::gmock_main)
  target_compile_definitions(${name}_test PRIVATE
    MILLRACE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name}_test PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  _millrace_configure(${name}_test)
  add_test(NAME ${name}_test COMMAND ${name}_test)
endfunction()

# millrace_program(<name> [DEPS …] [PRIVATE_DEPS …] SOURCES …)
function(millrace_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS;PRIVATE_DEPS;SOURCES")
  _millrace_targets_of("${arg_DEPS}" modules)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${modules} ${arg_PRIVATE_DEPS})
  _millrace_configure(${name})
endfunction()
