# Finds Apache Arrow's C++ libraries and defines Arrow::arrow, Arrow::compute, Arrow::parquet.
#
# An installed Arrow (`find_package(Arrow)`) wins. Otherwise the libraries and headers of the pinned
# pyarrow wheel are used, from MILLRACE_DEPS_DIR/arrow, where `./dev build` puts them.

# The first release whose compute kernels are a library of their own.
set(_millrace_arrow_oldest 21.0.0)

function(_millrace_arrow_alias name target)
  add_library(${name} INTERFACE IMPORTED)
  target_link_libraries(${name} INTERFACE ${target})
endfunction()

function(_millrace_arrow_from_wheel root)
  foreach(name IN ITEMS arrow compute parquet)
    string(REGEX REPLACE "^compute$" "arrow_compute" library ${name})
    file(GLOB file "${root}/lib/lib${library}.so.*")
    list(LENGTH file count)
    if(NOT count EQUAL 1)
      message(FATAL_ERROR "Wanted one lib${library}.so.* in ${root}/lib, found ${count}. Delete "
                          "the .deps folder and run ./dev build again.")
    endif()
    cmake_path(GET file FILENAME soname)
    add_library(Arrow::${name} SHARED IMPORTED)
    set_target_properties(Arrow::${name} PROPERTIES
      IMPORTED_LOCATION "${file}"
      IMPORTED_SONAME "${soname}"
      INTERFACE_INCLUDE_DIRECTORIES "${root}/include")
  endforeach()
  set_target_properties(Arrow::compute Arrow::parquet PROPERTIES
    INTERFACE_LINK_LIBRARIES Arrow::arrow)
endfunction()

find_package(Arrow CONFIG QUIET)
if(Arrow_FOUND AND Arrow_VERSION VERSION_GREATER_EQUAL _millrace_arrow_oldest)
  find_package(ArrowCompute CONFIG REQUIRED)
  find_package(Parquet CONFIG REQUIRED)
  _millrace_arrow_alias(Arrow::arrow Arrow::arrow_shared)
  _millrace_arrow_alias(Arrow::compute ArrowCompute::arrow_compute_shared)
  _millrace_arrow_alias(Arrow::parquet Parquet::parquet_shared)
  set(MILLRACE_ARROW_ORIGIN "installed ${Arrow_VERSION}")
elseif(EXISTS "${MILLRACE_DEPS_DIR}/arrow/include/arrow/api.h")
  _millrace_arrow_from_wheel("${MILLRACE_DEPS_DIR}/arrow")
  set(MILLRACE_ARROW_ORIGIN "pyarrow wheel")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MillraceArrow
  REQUIRED_VARS MILLRACE_ARROW_ORIGIN
  REASON_FAILURE_MESSAGE "no installed Arrow >= ${_millrace_arrow_oldest}, and none in \
${MILLRACE_DEPS_DIR}/arrow. Run ./dev build, which puts one there.")
