#include "app/engine.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <iostream>

#include "app/json_parser.h"
#include "base/error.h"
#include "connectors/console/console_sink.h"
#include "connectors/file/file_provider.h"
#include "connectors/kafka/kafka_provider.h"
#include "connectors/kafka/kafka_sink.h"
#include "connectors/noop/noop_sink.h"
#include "connectors/rate/rate_provider.h"
#include "local/local_transport.h"
#include "remote/remote_transport.h"

namespace millrace::app {

Engine::Engine()
    : fs_(MakeLocalFileSystem()),
      tables_(std::make_shared<connectors::memory::MemoryTables>()) {
  // Standard output belongs to the program's results, as the console sink prints them.
  spdlog::set_default_logger(spdlog::stderr_color_mt("millrace"));
  Register();
}

// Every format there is, one line each.
void Engine::Register() {
  connectors_.AddSource(connectors::kafka::MakeKafkaProvider());
  connectors_.AddSource(connectors::rate::MakeRateProvider());
  connectors_.AddSource(connectors::memory::MakeMemoryStreamProvider(streams_));
  connectors_.AddSource(connectors::file::MakeParquetProvider());
  connectors_.AddSource(connectors::file::MakeJsonProvider(MakeJsonParser));
  connectors_.AddSource(connectors::file::MakeCsvProvider());
  connectors_.AddSource(connectors::file::MakeTextProvider());
  connectors_.AddSink(connectors::console::MakeConsoleSinkProvider(std::cout));
  connectors_.AddSink(connectors::file::MakeParquetSinkProvider());
  connectors_.AddSink(connectors::file::MakeJsonSinkProvider());
  connectors_.AddSink(connectors::file::MakeCsvSinkProvider());
  connectors_.AddSink(connectors::file::MakeTextSinkProvider());
  connectors_.AddSink(connectors::kafka::MakeKafkaSinkProvider());
  connectors_.AddSink(connectors::memory::MakeMemorySinkProvider(*tables_));
  connectors_.AddSink(connectors::noop::MakeNoopSinkProvider());
  connectors_.AddTables(tables_);
}

Engine& Engine::Instance() {
  static Engine engine;
  return engine;
}

connect_plan::SessionEnvironment Engine::environment() {
  return {&connectors_, fs_.get(), &clock_};
}

}  // namespace millrace::app

namespace millrace::client {

// A program that links the engine may still run its queries elsewhere.
Result<std::unique_ptr<Transport>> ConnectTo(const std::string& master) {
  if (master.starts_with("sc://")) return remote::MakeRemoteTransport(master);
  const bool local =
      master == "local" || (master.starts_with("local[") && master.ends_with("]"));
  if (!local) {
    return ArgumentError(
        "The master '{}' is not supported: expected \"local[*]\", the engine in "
        "this process, or the URL of a Spark Connect server, sc://host:port.",
        master);
  }
  return local::MakeLocalTransport(app::Engine::Instance().environment());
}

}  // namespace millrace::client
