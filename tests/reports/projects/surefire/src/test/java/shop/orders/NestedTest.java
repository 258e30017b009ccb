package shop.orders;

import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.*;

class NestedTest {
    @RepeatedTest(2) void repeated() {}

    @Nested class Refund { @Test void total() {} }
    @Nested class Voucher {
        @Test void total() {}
        @Nested class Partly { @Test void total() { fail("voucher"); } }
    }
    @Nested class SetupError {
        @BeforeEach void connect() { throw new IllegalStateException("no database"); }
        @Test void total() {}
    }
    @Nested class TeardownError {
        @AfterEach void unlock() { throw new IllegalStateException("still locked"); }
        @Test void passes() {}
        @Test void fails() { fail("first the failure"); }
    }
}
