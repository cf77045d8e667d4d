// What happens to a query when a file of its checkpoint is damaged: it is refused with an
// error that names the file, or it goes on and nothing is lost. Never does it go on with
// less.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "machine.h"

namespace millrace {
namespace {

using functions::Col;
using functions::Count;
using functions::Sum;
using functions::Window;

constexpr char kCheckpoint[] = "/data/checkpoint";

struct Damage {
  const char* name;
  std::string (*apply)(std::string content);
};

const std::vector<Damage>& Damages() {
  static const std::vector<Damage> damages = {
      {"emptied", [](std::string) { return std::string(); }},
      {"truncated",
       [](std::string content) { return content.substr(0, content.size() / 2); }},
      {"garbage",
       [](std::string content) { return std::string(content.size() + 1, '\x9d'); }},
      {"a bit at the front",
       [](std::string content) {
         content.front() = static_cast<char>(content.front() ^ 1);
         return content;
       }},
      {"a bit in the middle",
       [](std::string content) {
         char& byte = content[content.size() / 2];
         byte = static_cast<char>(byte ^ 1);
         return content;
       }},
      {"a bit near the end",
       [](std::string content) {
         char& byte = content[content.size() - 2];
         byte = static_cast<char>(byte ^ 1);
         return content;
       }},
  };
  return damages;
}

// The files below a folder, with their paths, in order.
std::vector<std::string> Files(FileSystem& fs, const std::string& folder) {
  std::vector<std::string> files;
  const auto entries = fs.List(folder);
  EXPECT_TRUE(entries.ok()) << entries.status().ToString();
  if (!entries.ok()) return files;
  for (const FileInfo& entry : *entries) {
    const std::string path = JoinPath(folder, entry.name);
    if (!entry.is_directory) {
      files.push_back(path);
      continue;
    }
    for (const std::string& file : Files(fs, path)) files.push_back(file);
  }
  std::sort(files.begin(), files.end());
  return files;
}

void RunAll(Machine& machine, MakeQuery make_query, size_t from, size_t until) {
  for (size_t i = from; i < until; ++i) {
    machine.Add(Input()[i]);
    const Status status = machine.Run(make_query);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
}

void ExpectNothingLost(MakeQuery make_query) {
  const size_t last = Input().size() - 1;
  Machine undisturbed;
  RunAll(undisturbed, make_query, 0, last);
  const size_t count = Files(undisturbed.disk(), kCheckpoint).size();
  RunAll(undisturbed, make_query, last, last + 1);
  const Rows expected = undisturbed.Lake();
  ASSERT_GE(count, 10U);

  int refused = 0;
  for (size_t i = 0; i < count; ++i) {
    for (const Damage& damage : Damages()) {
      Machine machine;
      RunAll(machine, make_query, 0, last);
      const std::string file = Files(machine.disk(), kCheckpoint).at(i);
      SCOPED_TRACE(file + ", " + damage.name);
      const auto content = machine.disk().ReadFile(file);
      ASSERT_TRUE(content.ok());
      if (content->size() < 2) continue;
      ASSERT_TRUE(machine.disk().WriteFileAtomically(file, damage.apply(*content)).ok());
      machine.Add(Input()[last]);
      const Status status = machine.Run(make_query);
      if (status.ok()) {
        EXPECT_THAT(machine.Lake(), testing::ContainerEq(expected));
        continue;
      }
      ++refused;
      EXPECT_THAT(status.ToString(), testing::HasSubstr(BaseName(file)));
      // Whatever was there still is, and with the file back the query goes on.
      ASSERT_TRUE(machine.disk().WriteFileAtomically(file, *content).ok());
      const Status again = machine.Run(make_query);
      ASSERT_TRUE(again.ok()) << again.ToString();
      EXPECT_THAT(machine.Lake(), testing::ContainerEq(expected));
    }
  }
  EXPECT_GE(refused, 20);
}

DataFrame Refined(const DataFrame& orders) {
  return orders.Filter(Col("user_id").IsNotNull());
}

DataFrame Revenue(const DataFrame& orders) {
  return orders.WithWatermark("ts", "2 minutes")
      .GroupBy(Window(Col("ts"), "1 minute"))
      .Agg(Sum(Col("amount")).Alias("revenue"), Count(Col("*")).Alias("orders"));
}

TEST(Damage, OfAStatelessQueryLosesNothing) { ExpectNothingLost(Refined); }

TEST(Damage, OfAStatefulQueryLosesNothing) { ExpectNothingLost(Revenue); }

DataFrame RevenueOfUsers(const DataFrame& orders) {
  return orders.WithWatermark("ts", "2 minutes")
      .GroupBy(Window(Col("ts"), "1 minute"), Col("user_id"))
      .Agg(Sum(Col("amount")).Alias("revenue"), Count(Col("*")).Alias("orders"));
}

DataFrame LeastOfAll(const DataFrame& orders) {
  return orders.WithWatermark("ts", "2 minutes")
      .GroupBy(Window(Col("ts"), "1 minute"))
      .Agg(functions::Min(Col("user_id")).Alias("revenue"),
           Count(Col("*")).Alias("orders"));
}

DataFrame TwoSources(const DataFrame& orders) {
  return Refined(orders).Union(Refined(orders));
}

// A checkpoint of another query is refused, and the query it belongs to goes on.
void ExpectRefused(MakeQuery mine, MakeQuery others, const std::string& words) {
  Machine undisturbed;
  RunAll(undisturbed, mine, 0, 4);
  Machine machine;
  RunAll(machine, mine, 0, 3);
  const Rows before = machine.Lake();
  machine.Add(Input()[3]);
  const Status status = machine.Run(others);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.ToString(), testing::HasSubstr(words));
  EXPECT_THAT(machine.Lake(), testing::ContainerEq(before));

  const Status again = machine.Run(mine);
  ASSERT_TRUE(again.ok()) << again.ToString();
  EXPECT_THAT(machine.Lake(), testing::ContainerEq(undisturbed.Lake()));
}

TEST(CheckpointOfAnotherQuery, WithOtherSourcesIsRefused) {
  ExpectRefused(
      Refined, TwoSources,
      "There are [1] sources in the checkpoint offsets and now there are [2] sources "
      "requested by the query. Cannot continue.");
}

TEST(CheckpointOfAnotherQuery, WithOtherKeysIsRefused) {
  ExpectRefused(Revenue, RevenueOfUsers, "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE");
}

TEST(CheckpointOfAnotherQuery, WithOtherAggregatesIsRefused) {
  ExpectRefused(Revenue, LeastOfAll, "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE");
}

TEST(CheckpointOfAnotherQuery, WithoutItsOperatorIsRefused) {
  ExpectRefused(Revenue, Refined,
                "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA");
}

}  // namespace
}  // namespace millrace
