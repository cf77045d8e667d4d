#include "order_generator.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

namespace millrace::orders {
namespace {

constexpr int64_t kNow = 1769949296123456;  // 2026-02-01T12:34:56.123456

struct Order {
  std::string user;
  double amount = 0;
  std::string time;
};

// What a whole order says; nothing for one that was cut short.
std::optional<Order> Read(const std::string& text) {
  char user[16];
  int whole = 0;
  char cents[3];
  char time[27];
  int length = 0;
  const int fields = std::sscanf(
      text.c_str(),
      R"({"user_id": "%15[u0-9]", "amount": %d.%2[0-9], "timestamp": "%26[-:.T0-9]"}%n)",
      user, &whole, cents, time, &length);
  const bool complete = fields == 4 && static_cast<size_t>(length) == text.size() &&
                        std::strlen(cents) == 2 && std::strlen(time) == 26;
  if (!complete) return std::nullopt;
  return Order{user, whole + std::stod(cents) / 100, time};
}

std::vector<std::string> Orders(const Arguments& arguments, int count) {
  OrderGenerator generator(arguments);
  std::vector<std::string> orders;
  for (int i = 0; i < count; ++i) orders.emplace_back(generator.Next(kNow));
  return orders;
}

TEST(OrderGenerator, WritesOrdersAsTheyAreExpected) {
  OrderGenerator generator(Arguments{});
  EXPECT_EQ(
      generator.Make(3, 123'45, kNow),
      R"({"user_id": "u3", "amount": 123.45, "timestamp": "2026-02-01T12:34:56.123456"})");
  EXPECT_EQ(
      generator.Make(12, 10'05, 1),
      R"({"user_id": "u12", "amount": 10.05, "timestamp": "1970-01-01T00:00:00.000001"})");
  EXPECT_EQ(
      generator.Make(1, 500'00, -1),
      R"({"user_id": "u1", "amount": 500.00, "timestamp": "1969-12-31T23:59:59.999999"})");
}

TEST(OrderGenerator, StaysWithinUsersAndAmounts) {
  Arguments arguments;
  arguments.users = 3;
  std::set<std::string> users;
  for (const std::string& text : Orders(arguments, 2000)) {
    const std::optional<Order> order = Read(text);
    ASSERT_TRUE(order.has_value()) << text;
    users.insert(order->user);
    EXPECT_GE(order->amount, 10);
    EXPECT_LE(order->amount, 500);
    EXPECT_EQ(order->time, "2026-02-01T12:34:56.123456");
  }
  EXPECT_EQ(users, (std::set<std::string>{"u1", "u2", "u3"}));
}

TEST(OrderGenerator, ASeedDecidesEverything) {
  Arguments arguments;
  arguments.seed = 7;
  arguments.late = 0.3;
  arguments.malformed = 0.3;
  const auto orders = Orders(arguments, 100);
  EXPECT_EQ(Orders(arguments, 100), orders);
  arguments.seed = 8;
  EXPECT_NE(Orders(arguments, 100), orders);
  arguments.seed = 0;
  EXPECT_NE(Orders(arguments, 100), Orders(arguments, 100));
}

TEST(OrderGenerator, EventTimesCanGoByThemselves) {
  Arguments arguments;
  arguments.start_micros = kNow;
  arguments.step_micros = 500'000;
  const auto orders = Orders(arguments, 3);
  EXPECT_EQ(Read(orders[0])->time, "2026-02-01T12:34:56.123456");
  EXPECT_EQ(Read(orders[1])->time, "2026-02-01T12:34:56.623456");
  EXPECT_EQ(Read(orders[2])->time, "2026-02-01T12:34:57.123456");
}

TEST(OrderGenerator, SomeOrdersAreLate) {
  Arguments arguments;
  arguments.seed = 1;
  arguments.late = 0.2;
  int late = 0;
  for (const std::string& text : Orders(arguments, 5000)) {
    const auto time = Read(text)->time;
    if (time == "2026-02-01T12:34:56.123456") continue;
    ++late;
    EXPECT_LE(time, "2026-02-01T12:31:56.123456");
    EXPECT_GE(time, "2026-02-01T12:24:56.123456");
  }
  EXPECT_NEAR(late, 1000, 150);
}

TEST(OrderGenerator, SomeOrdersAreCutShort) {
  Arguments arguments;
  arguments.seed = 1;
  arguments.malformed = 0.2;
  int malformed = 0;
  for (const std::string& text : Orders(arguments, 5000)) {
    ASSERT_FALSE(text.empty());
    if (!Read(text)) ++malformed;
  }
  EXPECT_NEAR(malformed, 1000, 150);
}

}  // namespace
}  // namespace millrace::orders
