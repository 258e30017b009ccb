package shop.orders;

import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.*;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckoutTest {
    private static int attempts = 0;
    private static int errors = 0;

    @Test void total() {
        System.out.println("a line on stdout");
        System.err.println("a line on stderr");
    }
    @Test void price() { assertEquals(13, 3 * 4, "the price is wrong"); }
    @Test void unexpectedError() { throw new IllegalStateException("customer"); }
    @Test @Disabled("not before 2027 <soon> & \"later\"") void skipped() {}
    @Test void skippedInside() { Assumptions.assumeTrue(false, "no printer"); }
    @Test void passesTheSecondTime() { assertEquals(2, ++attempts); }
    @Test void passesTheThirdTime() { if (++errors < 3) throw new IllegalStateException("attempt " + errors); }
    @ParameterizedTest @ValueSource(ints = {1, -1}) void amount(int amount) { assertTrue(amount > 0); }
    @ParameterizedTest @ValueSource(strings = {"größe 価格 🛒", "<b>&\"'</b>"}) void text(String text) { fail("]]> <![CDATA[ " + text); }
    @Test @DisplayName("Grüße 世界 🛒 <&>") void named() {}
}
