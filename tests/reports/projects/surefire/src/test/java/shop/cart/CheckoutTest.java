package shop.cart;

import org.junit.jupiter.api.*;

class CheckoutTest {
    @Test void total() {}
    @Test void price() {}
}
