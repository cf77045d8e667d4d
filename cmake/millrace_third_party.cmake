# Every library that is not ours, each as an imported target (so its headers count as SYSTEM).
# tools/check_layers.py says which module may use which.

set(MILLRACE_DEPS_DIR "${PROJECT_SOURCE_DIR}/.deps" CACHE PATH
    "Where ./dev puts downloaded dependencies.")
set(MILLRACE_PYTHON "${MILLRACE_DEPS_DIR}/venv/bin/python" CACHE FILEPATH
    "A Python with the packages of tools/requirements.txt.")

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(MillraceArrow REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(simdjson CONFIG REQUIRED)
find_package(Snappy CONFIG REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)

# Defines an imported target for a library that is known to pkg-config only.
function(millrace_pkgconfig_target name package)
  string(MAKE_C_IDENTIFIER "millrace_${package}" prefix)
  pkg_check_modules(${prefix} REQUIRED QUIET IMPORTED_TARGET ${package})
  add_library(${name} INTERFACE IMPORTED)
  target_link_libraries(${name} INTERFACE PkgConfig::${prefix})
endfunction()

millrace_pkgconfig_target(rdkafka::rdkafka rdkafka)
millrace_pkgconfig_target(re2::re2 re2)
millrace_pkgconfig_target(xxhash::xxhash libxxhash)
millrace_pkgconfig_target(lz4::lz4 liblz4)
millrace_pkgconfig_target(zstd::zstd libzstd)
millrace_pkgconfig_target(rocksdb::rocksdb rocksdb)
millrace_pkgconfig_target(grpc::grpc++ grpc++)

if(MILLRACE_TESTS)
  find_package(GTest CONFIG REQUIRED)
endif()
