<?php
namespace Shop\Orders;

use PHPUnit\Framework\TestCase;

final class CheckoutTest extends TestCase
{
    protected function setUp(): void
    {
        if ($this->getName(false) === 'testSetupError') {
            throw new \RuntimeException('no database');
        }
    }

    protected function tearDown(): void
    {
        if (str_contains($this->getName(false), 'TeardownError')) {
            throw new \RuntimeException('still locked');
        }
    }

    public function testTotal(): void
    {
        echo "a line on stdout\n";
        $this->assertTrue(true);
    }
    public function testPrice(): void { $this->assertSame(13, 3 * 4, 'the price is wrong'); }
    public function testUnexpectedError(): void { throw new \LogicException('customer'); }
    public function testWarning(): void { trigger_error('an old function', E_USER_WARNING); }
    public function testSetupError(): void { $this->assertTrue(true); }
    public function testTeardownError(): void { $this->assertTrue(true); }
    public function testFailureAndTeardownError(): void { $this->fail('first the failure'); }
    public function testSkipped(): void { $this->markTestSkipped('not before 2027 <soon> & "later"'); }
    public function testIncomplete(): void { $this->markTestIncomplete('to be written'); }
    public function testRisky(): void {}

    /** @dataProvider amounts */
    public function testAmount(int $amount): void { $this->assertGreaterThan(0, $amount); }
    public function amounts(): array { return [[1], [-1], 'größe 価格 🛒' => [2], '<b>&"\'</b>' => [-2]]; }

    public function testGrüße世界(): void { $this->assertSame('größe', '価格 🛒'); }
    public function testMarkup(): void { $this->fail(']]> <b>&"\'</b> <![CDATA['); }
    /** @depends testPrice */
    public function testDepends(): void { $this->assertTrue(true); }
}
