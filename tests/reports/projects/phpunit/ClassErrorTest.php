<?php
namespace Shop\Orders;

use PHPUnit\Framework\TestCase;

final class ClassErrorTest extends TestCase
{
    public static function setUpBeforeClass(): void { throw new \RuntimeException('no database for the class'); }
    public function testTotal(): void { $this->assertTrue(true); }
    public function testPrice(): void { $this->assertTrue(true); }
}
