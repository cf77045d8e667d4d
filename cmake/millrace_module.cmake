# How a folder becomes a target. Four functions, one for each kind of thing that is built:
#   millrace_module        a folder of src/ with its tests
#   millrace_test_library  helpers for tests of several modules; never linked into a product
#   millrace_test          a test program that belongs to no single module
#   millrace_program       something with a main(), in the build folder itself
#
# In all of them DEPS are modules, by their folder's name under src/ ("connectors/kafka");
# PUBLIC_DEPS and PRIVATE_DEPS are any other targets, seen or not seen by users of the headers.

option(MILLRACE_ALLOW_INCOMPLETE
       "Leave out, with a warning, what needs modules or files that do not exist yet." ON)

# Sets <out> to the target of module <name>: connectors/kafka -> millrace::connectors_kafka.
function(_millrace_target_of name out)
  string(REPLACE "/" "_" flat "${name}")
  set(${out} "millrace::${flat}" PARENT_SCOPE)
endfunction()

# Sets <targets> to those of the modules in <deps>, and <missing> to what does not exist, both of
# those and of the given files.
function(_millrace_resolve targets missing deps files)
  set(found "")
  set(absent "")
  foreach(dep IN LISTS deps)
    _millrace_target_of("${dep}" target)
    if(TARGET ${target})
      list(APPEND found ${target})
    else()
      list(APPEND absent "module ${dep}")
    endif()
  endforeach()
  foreach(file IN LISTS files)
    cmake_path(ABSOLUTE_PATH file OUTPUT_VARIABLE path)
    if(NOT EXISTS "${path}")
      # Looks again as soon as the missing file may have come.
      cmake_path(GET path PARENT_PATH folder)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}")
      list(APPEND absent "${file}")
    endif()
  endforeach()
  set(${targets} "${found}" PARENT_SCOPE)
  set(${missing} "${absent}" PARENT_SCOPE)
endfunction()

function(_millrace_report_missing what missing)
  list(JOIN missing ", " text)
  if(MILLRACE_ALLOW_INCOMPLETE)
    message(WARNING "${what} is left out: it needs ${text}, which does not exist.")
  else()
    message(FATAL_ERROR "${what} needs ${text}, which does not exist.")
  endif()
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

  _millrace_resolve(modules missing "${arg_DEPS}" "${arg_SOURCES}")
  if(missing)
    _millrace_report_missing("Module ${folder}" "${missing}")
    return()
  endif()

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
  _millrace_resolve(modules missing "${arg_DEPS}" "${arg_SOURCES}")
  if(missing)
    _millrace_report_missing("Test library ${name}" "${missing}")
    return()
  endif()
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
  _millrace_resolve(modules missing "${arg_DEPS}" "${arg_SOURCES}")
  foreach(target IN LISTS arg_PRIVATE_DEPS)
    if(target MATCHES "^millrace::" AND NOT TARGET ${target})
      list(APPEND missing "${target}")
    endif()
  endforeach()
  if(missing)
    _millrace_report_missing("Test ${name}_test" "${missing}")
    return()
  endif()
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
  _millrace_resolve(modules missing "${arg_DEPS}" "${arg_SOURCES}")
  if(missing)
    _millrace_report_missing("Program ${name}" "${missing}")
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${modules} ${arg_PRIVATE_DEPS})
  _millrace_configure(${name})
endfunction()
