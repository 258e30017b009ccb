package shop;

import org.junit.*;

public class ClassErrorTest {
    @BeforeClass public static void connect() { throw new IllegalStateException("no database for the class"); }
    @Test public void total() {}
    @Test public void price() {}
}
