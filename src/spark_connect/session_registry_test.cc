#include "spark_connect/session_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/uuid.h"

namespace millrace::spark_connect {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::IsEmpty;
using State = spark::connect::GetStatusResponse::OperationStatus;

class SessionRegistryTest : public testing::Test {
 protected:
  SessionRegistryTest() : disk_(MakeLocalFileSystem()) {}

  Result<SessionRegistry::SessionPtr> Open(const std::string& user = "ann") {
    return registry_.GetOrCreate({user, id_}, "");
  }

  static RegistryOptions Options() {
    RegistryOptions options;
    options.max_sessions = 2;
    return options;
  }

  // awaitAnyTermination in a session without queries: runs until it is interrupted.
  static Operation::Request Endless() {
    auto request = std::make_shared<spark::connect::ExecutePlanRequest>();
    request->mutable_plan()
        ->mutable_command()
        ->mutable_streaming_query_manager_command()
        ->mutable_await_any_termination();
    request->set_operation_id(MakeUuid());
    request->add_request_options()->mutable_reattach_options()->set_reattachable(true);
    return request;
  }

  const std::unique_ptr<FileSystem> disk_;
  ManualClock clock_{EpochMillis(std::chrono::milliseconds(1'750'000'000'000))};
  plan::Connectors connectors_;
  const std::string id_ = MakeUuid();
  SessionRegistry registry_{{&connectors_, disk_.get(), &clock_}, Options()};
};

TEST_F(SessionRegistryTest, ASessionIsFoundByUserAndId) {
  const SessionRegistry::SessionPtr session = *Open();
  EXPECT_EQ(*Open(), session);
  EXPECT_NE(*Open("bob"), session);
  EXPECT_TRUE(registry_.GetOrCreate({"ann", id_}, session->server_side_id()).ok());
  EXPECT_EQ(registry_.Get({"ann", id_}, MakeUuid()).status().error().error_class,
            "INVALID_HANDLE.SESSION_CHANGED");
  EXPECT_EQ(registry_.Get({"eve", id_}, "").status().error().error_class,
            "INVALID_HANDLE.SESSION_NOT_FOUND");
  EXPECT_EQ(Open("eve").status().error().error_class, "TOO_MANY_SESSIONS");
}

TEST_F(SessionRegistryTest, AnIdleSessionEnds) {
  ASSERT_TRUE(Open().ok());
  clock_.Advance(minutes(59));
  registry_.Expire();
  EXPECT_EQ(registry_.size(), 1U);
  ASSERT_TRUE(Open().ok());  // a request begins the hour anew
  clock_.Advance(minutes(59));
  registry_.Expire();
  EXPECT_EQ(registry_.size(), 1U);
  clock_.Advance(minutes(1));
  registry_.Expire();
  EXPECT_EQ(registry_.size(), 0U);
  EXPECT_EQ(Open().status().error().error_class, "INVALID_HANDLE.SESSION_CLOSED");
}

TEST_F(SessionRegistryTest, AReleasedSessionMayComeBackIfItSaidSo) {
  ASSERT_TRUE(Open().ok());
  ASSERT_NE(registry_.Release({"ann", id_}, true), nullptr);
  ASSERT_TRUE(Open().ok());
  ASSERT_NE(registry_.Release({"ann", id_}, false), nullptr);
  EXPECT_FALSE(Open().ok());
  EXPECT_EQ(registry_.Release({"ann", id_}, false), nullptr);
}

TEST_F(SessionRegistryTest, AnOperationThatIsReadKeepsItsSession) {
  const SessionRegistry::SessionPtr session = *Open();
  const std::shared_ptr<Operation> operation = *session->Start(Endless());
  operation->AddStream();
  clock_.Advance(hours(3));
  registry_.Expire();
  EXPECT_EQ(registry_.size(), 1U);
  EXPECT_EQ(operation->state(), State::OPERATION_STATE_RUNNING);
  // Its client is gone: five minutes later it is given up, and an hour later the session.
  operation->RemoveStream(clock_.Now());
  clock_.Advance(minutes(5));
  registry_.Expire();
  EXPECT_EQ(session->Find(operation->id()).status().error().error_class,
            "INVALID_HANDLE.OPERATION_ABANDONED");
  EXPECT_THAT(session->States({operation->id()}),
              testing::ElementsAre(
                  testing::Pair(operation->id(), State::OPERATION_STATE_CANCELLED)));
  clock_.Advance(hours(1));
  registry_.Expire();
  EXPECT_EQ(registry_.size(), 0U);
}

TEST_F(SessionRegistryTest, AClosedSessionStartsNothing) {
  const SessionRegistry::SessionPtr session = *Open();
  const std::shared_ptr<Operation> operation = *session->Start(Endless());
  registry_.CloseAll();
  const ReplyLog::Read read =
      operation->replies().Next(operation->replies().Attach(), 0, minutes(1));
  EXPECT_EQ(read.result.error().error_class, "OPERATION_CANCELED");
  EXPECT_TRUE(operation->ended());
  EXPECT_EQ(session->Start(Endless()).status().error().error_class,
            "INVALID_HANDLE.SESSION_CLOSED");
  EXPECT_FALSE(Open("bob").ok());
}

TEST_F(SessionRegistryTest, ACloneHasSettingsAndUploadsOfItsOwn) {
  const SessionRegistry::SessionPtr session = *Open();
  ASSERT_TRUE(session->artifacts().Add("cache/a", "rows").ok());
  const SessionRegistry::SessionPtr clone = *registry_.Clone(*session, "");
  ASSERT_TRUE(clone->artifacts().Add("cache/b", "rows").ok());
  EXPECT_TRUE(clone->artifacts().Has("cache/a"));
  EXPECT_FALSE(session->artifacts().Has("cache/b"));
  EXPECT_NE(clone->server_side_id(), session->server_side_id());
  EXPECT_THAT(clone->session().queries().active(), IsEmpty());
}

}  // namespace
}  // namespace millrace::spark_connect
