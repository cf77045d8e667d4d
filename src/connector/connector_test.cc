#include <gtest/gtest.h>

#include "base/error.h"
#include "connector/sink.h"
#include "connector/source.h"

namespace millrace::connector {
namespace {

TEST(Cancelled, IsTold) {
  EXPECT_TRUE(IsCancelled(Cancelled()));
  EXPECT_FALSE(IsCancelled(Status::OK()));
  EXPECT_FALSE(IsCancelled(ExternalError("The broker is gone.")));
}

class StreamOnly final : public SinkProvider {
 public:
  std::string_view name() const override { return "stream-only"; }
  std::span<const OptionSpec> options() const override { return {}; }
  bool supports(OutputMode) const override { return true; }
  bool needs_checkpoint() const override { return false; }
  Result<std::unique_ptr<Sink>> Make(const Options&, const data::SchemaPtr&,
                                     const SinkContext&) const override {
    return std::unique_ptr<Sink>();
  }
};

TEST(SinkProvider, RefusesBatchWritesUnlessItOverridesMakeBatch) {
  const auto sink =
      StreamOnly().MakeBatch(Options(), nullptr, SinkContext(), SaveMode::kAppend);
  ASSERT_FALSE(sink.ok());
  EXPECT_EQ(sink.status().error().error_class, "UNSUPPORTED_FEATURE");
  EXPECT_NE(sink.status().error().message.find("stream-only"), std::string::npos);
}

}  // namespace
}  // namespace millrace::connector
