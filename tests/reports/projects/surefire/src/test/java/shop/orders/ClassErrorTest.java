package shop.orders;

import org.junit.jupiter.api.*;

class ClassErrorTest {
    @BeforeAll static void connect() { throw new IllegalStateException("no database for the class"); }
    @Test void total() {}
    @Test void price() {}
}
