#include "streaming/source_log.h"

#include "checkpoint/checkpoint.h"

namespace millrace::streaming {
namespace {

class SourceLog final : public connector::DurableLog {
 public:
  SourceLog(FileSystem* fs, std::string folder) : log_(fs, std::move(folder)) {}

  Status Add(int64_t id, const std::string& content) override {
    return log_.Add(id, content);
  }
  Result<std::optional<std::string>> Get(int64_t id) const override {
    return log_.Get(id);
  }
  Result<std::vector<int64_t>> Ids() const override { return log_.Ids(); }
  Status PurgeBelow(int64_t id) override { return log_.PurgeBelow(id); }
  std::string folder() const override { return log_.folder(); }

 private:
  checkpoint::MetadataLog log_;
};

}  // namespace

std::unique_ptr<connector::DurableLog> MakeSourceLog(FileSystem* fs, std::string folder) {
  return std::make_unique<SourceLog>(fs, std::move(folder));
}

}  // namespace millrace::streaming
