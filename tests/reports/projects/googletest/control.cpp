#include <gtest/gtest.h>

#include <string>

static const char bytes[] = "\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \xef\xbf\xbe \xff done";
static const std::string text(bytes, sizeof bytes - 1);
TEST(Control, Characters) { FAIL() << text; }
TEST(Control, Compared) { EXPECT_EQ(text, "plain"); }
