package shop;

import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.*;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControlTest {
    private static final String TEXT = "\033[31mred\033[0m \0\b\f\177 ]]> \ufffe done";
    @Test void controlCharacters() { System.out.println(TEXT); fail(TEXT); }
    @ParameterizedTest @ValueSource(strings = {TEXT}) void inTheName(String text) { assertEquals("plain", text); }
}
