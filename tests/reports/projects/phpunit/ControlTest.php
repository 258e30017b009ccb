<?php
use PHPUnit\Framework\TestCase;

final class ControlTest extends TestCase
{
    private const TEXT = "\x1b[31mred\x1b[0m \x00\x08\x0c\x7f ]]> \u{fffe} \xff done";
    public function testControlCharacters(): void { echo self::TEXT; $this->fail(self::TEXT); }
    /** @dataProvider texts */
    public function testInTheName(string $text): void { $this->assertSame('plain', $text); }
    public function texts(): array { return ["\x1b[31mred\x1b[0m \x08" => [self::TEXT]]; }
}
