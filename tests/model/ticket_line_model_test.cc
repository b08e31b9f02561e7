#include "tests/model/ticket_line_model.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr unsigned kRandomExecutions = 200'000;
constexpr unsigned kThreadChanges = 2;

TEST(TicketLineModelTest, StockIsRightInRandomExecutions) {
  const ModelResult result = CheckStock(Flaw::kNone, Search::kRandom, kRandomExecutions);
  EXPECT_EQ(result.verdict, "SUCCESS") << "in execution " << result.num_executions;
  EXPECT_EQ(result.num_executions, kRandomExecutions);
}

TEST(TicketLineModelTest, StockIsRightInEveryExecutionOfFewThreadChanges) {
  const ModelResult result = CheckStock(Flaw::kNone, Search::kExhaustive, kThreadChanges);
  EXPECT_EQ(result.verdict, "SUCCESS") << "in execution " << result.num_executions;
  EXPECT_GT(result.num_executions, 1'000'000u);
}

TEST(TicketLineModelTest, TheSpareIsRightInRandomExecutions) {
  const ModelResult result = CheckSpare(Flaw::kNone, Search::kRandom, kRandomExecutions);
  EXPECT_EQ(result.verdict, "SUCCESS") << "in execution " << result.num_executions;
  EXPECT_EQ(result.num_executions, kRandomExecutions);
}

TEST(TicketLineModelTest, TheSpareIsRightInEveryExecutionOfFewThreadChanges) {
  const ModelResult result = CheckSpare(Flaw::kNone, Search::kExhaustive, kThreadChanges);
  EXPECT_EQ(result.verdict, "SUCCESS") << "in execution " << result.num_executions;
  EXPECT_GT(result.num_executions, 10'000u);
}

// That the checker sees what it is there for.
TEST(TicketLineModelTest, AWeakerOrderOfPuttingInIsFound) {
  for (const auto check : {CheckStock, CheckSpare}) {
    EXPECT_EQ(check(Flaw::kPublishRelaxed, Search::kExhaustive, kThreadChanges).verdict,
              "DATA RACE");
    EXPECT_EQ(check(Flaw::kPublishRelaxed, Search::kRandom, kRandomExecutions).verdict,
              "DATA RACE");
  }
}

TEST(TicketLineModelTest, AWeakerOrderOfTakingOutIsFound) {
  for (const auto check : {CheckStock, CheckSpare}) {
    EXPECT_EQ(check(Flaw::kClaimRelaxed, Search::kExhaustive, kThreadChanges).verdict, "DATA RACE");
    EXPECT_EQ(check(Flaw::kClaimRelaxed, Search::kRandom, kRandomExecutions).verdict, "DATA RACE");
  }
}

TEST(TicketLineModelTest, AnExchangeThatIsNotOneStepIsFound) {
  for (const auto check : {CheckStock, CheckSpare}) {
    EXPECT_NE(check(Flaw::kTornExchange, Search::kExhaustive, kThreadChanges).verdict, "SUCCESS");
  }
}

}  // namespace
}  // namespace sluice
