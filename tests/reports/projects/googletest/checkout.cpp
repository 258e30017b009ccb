#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>

TEST(Checkout, Total) {
  std::cout << "a line on stdout\n";
  std::cerr << "a line on stderr\n";
}
TEST(Checkout, Price) { EXPECT_EQ(3 * 4, 13) << "the price is wrong"; }
TEST(Checkout, TwoFailures) {
  EXPECT_EQ(1, 2);
  EXPECT_EQ(3, 4);
}
TEST(Checkout, UnexpectedError) { throw std::runtime_error("customer"); }
TEST(Checkout, Skipped) { GTEST_SKIP() << "not before 2027 <soon> & \"later\""; }
TEST(Checkout, DISABLED_ToBeMended) { FAIL(); }
TEST(Checkout, Text) { FAIL() << "größe 価格 🛒 ]]> <b>&\"'</b> <![CDATA["; }
TEST(Checkout, Properties) { RecordProperty("ticket", "SHOP-1 <&>"); }
TEST(DISABLED_Voucher, Total) {}

struct SetUpError : testing::Test {
  void SetUp() override { FAIL() << "no database"; }
};
TEST_F(SetUpError, Total) {}

struct TearDownError : testing::Test {
  void TearDown() override { throw std::runtime_error("still locked"); }
};
TEST_F(TearDownError, Passes) {}
TEST_F(TearDownError, Fails) { FAIL() << "first the failure"; }

struct SuiteError : testing::Test {
  static void SetUpTestSuite() { FAIL() << "no database for the suite"; }
};
TEST_F(SuiteError, Total) {}

struct Amount : testing::TestWithParam<int> {};
TEST_P(Amount, IsPositive) { EXPECT_GT(GetParam(), 0); }
INSTANTIATE_TEST_SUITE_P(Small, Amount, testing::Values(1, -1));
INSTANTIATE_TEST_SUITE_P(Large, Amount, testing::Values(1000, -1000));

template <typename Number>
struct Sum : testing::Test {};
using Numbers = testing::Types<int, double>;
TYPED_TEST_SUITE(Sum, Numbers);
TYPED_TEST(Sum, IsExact) { EXPECT_EQ(TypeParam(1) / TypeParam(2), TypeParam(0)); }
