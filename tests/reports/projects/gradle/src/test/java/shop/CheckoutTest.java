package shop;

import static org.junit.Assert.*;

import org.junit.*;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;

@RunWith(Parameterized.class)
public class CheckoutTest {
    @Parameterized.Parameters(name = "{0}")
    public static Object[] amounts() { return new Object[] {"größe 価格 🛒", "<b>&\"'</b>"}; }

    @Parameterized.Parameter public String amount;

    @Test public void total() {
        System.out.println("a line on stdout");
        System.err.println("a line on stderr");
    }
    @Test public void price() { assertEquals("the price is wrong", 13, 3 * 4); }
    @Test public void unexpectedError() { throw new IllegalStateException("]]> <![CDATA[ " + amount); }
    @Test @Ignore("not before 2027 <soon> & \"later\"") public void skipped() {}
    @Test public void skippedInside() { Assume.assumeTrue("no printer", false); }
    @After public void unlock() { if (amount.startsWith("<")) throw new IllegalStateException("still locked"); }
}
