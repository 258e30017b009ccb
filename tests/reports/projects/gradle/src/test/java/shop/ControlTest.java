package shop;

import static org.junit.Assert.*;

import org.junit.*;

public class ControlTest {
    @Test public void controlCharacters() {
        String text = "\033[31mred\033[0m \0\b\f\177 ]]> \ufffe done";
        System.out.println(text);
        fail(text);
    }
}
