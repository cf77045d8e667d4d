#include "spark_connect/artifacts.h"

#include <zlib.h>

#include "base/error.h"

namespace millrace::spark_connect {
namespace {

bool IsIntact(const spark::connect::AddArtifactsRequest::ArtifactChunk& chunk) {
  const auto* bytes = reinterpret_cast<const Bytef*>(chunk.data().data());
  return static_cast<int64_t>(crc32_z(0, bytes, chunk.data().size())) == chunk.crc();
}

// Only the cache of local relations; other prefixes (pyfiles/, jars/, …) would run code
// here.
Status CheckName(const std::string& name) {
  if (name.starts_with("cache/")) return Status::OK();
  return UnsupportedError(
      "The artifact {} is not supported: only cached local relations "
      "(cache/…) are. Install Python modules where the server runs.",
      name);
}

}  // namespace

bool Artifacts::Has(const std::string& name) const { return Find(name) != nullptr; }

Artifacts::Content Artifacts::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = contents_.find(name);
  return found == contents_.end() ? nullptr : found->second;
}

Status Artifacts::CheckRoom(int64_t size) const {
  const std::lock_guard lock(mutex_);
  return CheckRoomLocked(size);
}

Status Artifacts::CheckRoomLocked(int64_t size) const {
  if (size <= max_bytes_ - bytes_) return Status::OK();
  return Error(Fault::kUser,
               "Cached local relation size ({} bytes) exceeds the limit ({} bytes).",
               size, max_bytes_ - bytes_)
      .Class("CONNECT_INVALID_PLAN.LOCAL_RELATION_SIZE_LIMIT_EXCEEDED", "56K00")
      .Java("org.apache.spark.sql.connect.common.InvalidPlanInput")
      .Param("actualSize", std::to_string(size))
      .Param("limit", std::to_string(max_bytes_ - bytes_));
}

Status Artifacts::Add(const std::string& name, std::string content) {
  const auto size = static_cast<int64_t>(content.size());
  const std::lock_guard lock(mutex_);
  if (contents_.contains(name)) return Status::OK();  // names are hashes of the content
  MILLRACE_RETURN_IF_ERROR(CheckRoomLocked(size));
  bytes_ += size;
  contents_[name] = std::make_shared<const std::string>(std::move(content));
  return Status::OK();
}

void Artifacts::CopyTo(Artifacts* other) const {
  const std::scoped_lock lock(mutex_, other->mutex_);
  other->contents_ = contents_;
  other->bytes_ = bytes_;
}

Status ArtifactUpload::Take(const spark::connect::AddArtifactsRequest& request) {
  if (request.has_chunk()) {
    if (chunks_left_ == 0)
      return ArgumentError("A chunk came without begin_chunk before it.");
    return TakeChunk(request.chunk());
  }
  MILLRACE_RETURN_IF_ERROR(Finish());
  for (const auto& single : request.batch().artifacts()) {
    MILLRACE_RETURN_IF_ERROR(CheckName(single.name()));
    name_ = single.name();
    total_bytes_ = static_cast<int64_t>(single.data().data().size());
    chunks_left_ = 1;
    MILLRACE_RETURN_IF_ERROR(TakeChunk(single.data()));
  }
  if (request.has_begin_chunk()) {
    const auto& begin = request.begin_chunk();
    MILLRACE_RETURN_IF_ERROR(CheckName(begin.name()));
    if (begin.num_chunks() < 1 || begin.total_bytes() < 0) {
      return ArgumentError(
          "An artifact of {} chunks and {} bytes: expected at least one chunk.",
          begin.num_chunks(), begin.total_bytes());
    }
    MILLRACE_RETURN_IF_ERROR(artifacts_.CheckRoom(begin.total_bytes()));
    name_ = begin.name();
    total_bytes_ = begin.total_bytes();
    chunks_left_ = begin.num_chunks();
    return TakeChunk(begin.initial_chunk());
  }
  return Status::OK();
}

Status ArtifactUpload::TakeChunk(const Chunk& chunk) {
  intact_ = intact_ && IsIntact(chunk);
  if (static_cast<int64_t>(content_.size() + chunk.data().size()) > total_bytes_) {
    return ArgumentError("The artifact {} has more than the {} bytes it was begun with.",
                         name_, total_bytes_);
  }
  content_ += chunk.data();
  return --chunks_left_ == 0 ? Complete() : Status::OK();
}

Status ArtifactUpload::Complete() {
  if (static_cast<int64_t>(content_.size()) != total_bytes_) {
    return ArgumentError("The artifact {} has {} bytes, but was begun with {}.", name_,
                         content_.size(), total_bytes_);
  }
  auto& summary = summaries.emplace_back();
  summary.set_name(name_);
  summary.set_is_crc_successful(intact_);
  std::string content = std::exchange(content_, {});
  if (!std::exchange(intact_, true)) return Status::OK();
  return artifacts_.Add(name_, std::move(content));
}

Status ArtifactUpload::Finish() const {
  if (chunks_left_ == 0) return Status::OK();
  return ArgumentError("The artifact {} is not complete: {} chunks are missing.", name_,
                       chunks_left_);
}

}  // namespace millrace::spark_connect
