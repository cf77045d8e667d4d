// The engine of a process: the formats it knows, and what its sessions share. The one
// list of registrations is in engine.cc.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/file_system.h"
#include "connect_plan/session.h"
#include "connectors/memory/memory.h"
#include "plan/catalog.h"

namespace millrace::app {

/// Threading: any thread.
class Engine {
 public:
  Engine();

  /// The process's engine, made at the first call.
  static Engine& Instance();

  /// For a session of this engine, which must not outlive it.
  connect_plan::SessionEnvironment environment();

  FileSystem& file_system() { return *fs_; }

 private:
  void Register();

  const std::unique_ptr<FileSystem> fs_;
  SystemClock clock_;
  connectors::memory::MemoryStreams streams_;
  const std::shared_ptr<connectors::memory::MemoryTables> tables_;
  plan::Connectors connectors_;
};

}  // namespace millrace::app
