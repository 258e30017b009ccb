#include <gtest/gtest.h>

TEST(Cart, Total) {}
TEST(Cart, Price) {}
