// What a client uploaded: the rows of large local relations, by name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "millrace/status.h"
#include "spark/connect/base.pb.h"

namespace millrace::spark_connect {

/// Threading: any thread.
class Artifacts {
 public:
  using Content = std::shared_ptr<const std::string>;

  explicit Artifacts(int64_t max_bytes) : max_bytes_(max_bytes) {}

  bool Has(const std::string& name) const;
  /// Null where there is none.
  Content Find(const std::string& name) const;
  /// Errors: `size` bytes more would be more than `max_bytes` in all.
  Status CheckRoom(int64_t size) const;
  /// Errors: those of CheckRoom.
  Status Add(const std::string& name, std::string content);
  /// The same artifacts, sharing the bytes.
  void CopyTo(Artifacts* other) const;

 private:
  Status CheckRoomLocked(int64_t size) const;

  const int64_t max_bytes_;
  mutable std::mutex mutex_;
  std::map<std::string, Content> contents_;  // guarded by mutex_
  int64_t bytes_ = 0;                        // guarded by mutex_
};

/// Puts the messages of one AddArtifacts stream together.
/// Threading: one thread.
class ArtifactUpload {
 public:
  explicit ArtifactUpload(Artifacts& artifacts) : artifacts_(artifacts) {}

  /// Errors: chunks that do not follow what was begun, or are more than was said; those
  /// of Artifacts::Add. A wrong checksum is no error: the summary tells the client.
  Status Take(const spark::connect::AddArtifactsRequest& request);
  /// After the last message. Errors: an artifact that is not complete.
  Status Finish() const;

  std::vector<spark::connect::AddArtifactsResponse::ArtifactSummary> summaries;

 private:
  using Chunk = spark::connect::AddArtifactsRequest::ArtifactChunk;

  Status TakeChunk(const Chunk& chunk);
  Status Complete();

  Artifacts& artifacts_;
  std::string name_;
  std::string content_;
  int64_t total_bytes_ = 0;
  int64_t chunks_left_ = 0;
  bool intact_ = true;
};

}  // namespace millrace::spark_connect
